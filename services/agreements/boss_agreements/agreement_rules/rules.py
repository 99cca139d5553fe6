"""Within how many days an agreement is sold, cancelled, suspended and renewed (SPEC AGR-1). Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from boss_agreements.catalogue.rules import Entry
from boss_kit.errors import FailedPrecondition


@dataclass(frozen=True, kw_only=True)
class AgreementRules(Entry):
    """Limits in days before and after today; an empty one is no limit."""

    sale_past_days: int | None = None
    sale_future_days: int | None = None
    cancellation_past_days: int | None = None
    cancellation_future_days: int | None = None
    suspension_future_days: int | None = None
    suspension_days_max: int | None = None
    renewal_before_days: int | None = None
    renewal_after_days: int | None = None


def check_sale(rules: AgreementRules | None, start: date, today: date) -> None:
    """Refuse a start of a sold agreement outside the limits. Raises FailedPrecondition."""
    if rules is not None:
        _check_window(rules, "start_date", start, today, rules.sale_past_days, rules.sale_future_days)


def check_cancellation(rules: AgreementRules | None, effective: date, today: date) -> None:
    """Refuse an effective date of a cancellation outside the limits. Raises FailedPrecondition."""
    if rules is not None:
        past, future = rules.cancellation_past_days, rules.cancellation_future_days
        _check_window(rules, "effective_date", effective, today, past, future)


def check_suspension(rules: AgreementRules | None, start: date, end: date | None, today: date) -> None:
    """Refuse a suspension that begins or lasts outside the limits; its end is the first day back.

    Raises FailedPrecondition.
    """
    if rules is None:
        return
    _check_window(rules, "start_date", start, today, None, rules.suspension_future_days)
    most = rules.suspension_days_max
    if most is not None and (end is None or (end - start).days > most):
        latest = start + timedelta(days=most)
        raise _outside(rules, "end_date", f"must be set and not lie after {latest}: at most {most} days are suspended")


def check_renewal(rules: AgreementRules | None, term_end: date, today: date) -> None:
    """Refuse a renewal where no rules are linked, or outside their days (SPEC AGR-1). Raises FailedPrecondition."""
    if rules is None:
        raise FailedPrecondition(
            "NOT_RENEWABLE",
            "definition.agreement_rules: none are linked, so it can't be renewed; link some, or sell a new one.",
            metadata={"field": "definition.agreement_rules"},
        )
    _check_window(rules, "term_end_date", term_end, today, rules.renewal_after_days, rules.renewal_before_days)


def _check_window(
    rules: AgreementRules, field: str, day: date, today: date, past_days: int | None, future_days: int | None
) -> None:
    if past_days is not None and (today - day).days > past_days:
        earliest = today - timedelta(days=past_days)
        raise _outside(rules, field, f"{day} is more than {past_days} days ago; the earliest day is {earliest}")
    if future_days is not None and (day - today).days > future_days:
        latest = today + timedelta(days=future_days)
        raise _outside(rules, field, f"{day} is more than {future_days} days ahead; the latest day is {latest}")


def _outside(rules: AgreementRules, field: str, words: str) -> FailedPrecondition:
    return FailedPrecondition(
        "OUTSIDE_AGREEMENT_RULES",
        f"{field}: {words} (agreement rules {rules.name!r}).",
        metadata={"field": field, "agreement_rules": rules.name},
    )
