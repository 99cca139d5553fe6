"""Which payments a run makes for an invoice: by source, within the networks' limits (SPEC BIL-1, BIL-5). Pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from boss_billing.declines.rules import AttemptLimit, Per, first_allowed_day
from boss_billing.funding.rules import MANUAL, FundingSource, by_card, split
from boss_billing.invoices.rules import Invoice
from boss_billing.payments.rules import Label, Payment, kind_of
from boss_kit.money import Money

NO_VALID_SOURCE = "NO_VALID_SOURCE"
MANUAL_SOURCE = "MANUAL_SOURCE"
ATTEMPT_LIMIT = "ATTEMPT_LIMIT"


class NewAttempt(NamedTuple):
    """A try at a payment, with the card data of now; a run's first try is in no batch yet.

    `day` is the one it is made on; the one it is billed for may be long gone, where a run was missed.
    """

    id: UUID
    payment: Payment
    source: FundingSource
    account_number: str
    invoice: Invoice
    bill_run_id: UUID | None
    batch_id: UUID | None
    label: Label
    attempt_no: int
    day: date
    bill_date: date


TriedData = tuple[str, int, int]
"""The data of a card when it was tried: token, and month and year of its expiry."""


class TriedCard(NamedTuple):
    """The days on which a card was tried, for whichever of its sources, and whether it has several of them."""

    days: list[date]
    is_shared: bool


@dataclass(frozen=True, slots=True)
class NotPaid:
    """An invoice a run made no payment for, or not for all of it, and why."""

    invoice: Invoice
    reason: str
    description: str


@dataclass
class Planner:
    """Plans the payments of one run and day; counts its own attempts along with those before.

    `card_days` (by token: networks count by card, not by source) and `invoice_days` (by invoice and token: a share is a
    debit of its own) hold the days of earlier attempts, where there were enough of them to matter; `paid` holds what
    each source has paid of an older invoice. `late_days` says by unit on which day its attempts are made, where that is
    after the day they are billed for: networks count when they are asked. `given_up` holds by older invoice the cards
    that were declined there and aren't tried again.
    """

    bill_run_id: UUID
    day: date
    limits: Iterable[AttemptLimit]
    new_id: Callable[[], UUID]
    card_days: Mapping[str, list[date]] = field(default_factory=dict)
    invoice_days: Mapping[tuple[UUID, str], list[date]] = field(default_factory=dict)
    paid: Mapping[UUID, Mapping[UUID, int]] = field(default_factory=dict)
    late_days: Mapping[UUID, date] = field(default_factory=dict)
    given_up: Mapping[UUID, Collection[TriedData]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._limits: dict[tuple[str, Per], list[AttemptLimit]] = defaultdict(list)
        for limit in self.limits:
            self._limits[limit.tender, limit.per].append(limit)
        self._cards = defaultdict(list, self.card_days)
        self._invoices = defaultdict(list, self.invoice_days)

    def plan(
        self, account_number: str, invoice: Invoice, sources: Sequence[FundingSource]
    ) -> tuple[Invoice, list[NewAttempt], NotPaid | None]:
        """Plan the payments of one open invoice; give it as it is then, and why not all of it is asked for.

        A share whose card is at a limit waits for the day on which it isn't; the others are asked for now.
        """
        paid = self.paid.get(invoice.id, {}) if self.paid else {}
        if len(sources) > 1:
            sources, paid = by_card(self._without_given_up(invoice, sources), paid)
        shares = split(invoice.balance_minor, sources, invoice.total_minor, paid)
        parts = [(source, share) for source, share in shares if source.tender != MANUAL]
        if not parts:
            without = invoice._replace(next_attempt_date=None)
            return without, [], _not_paid(without, is_manual=bool(shares))
        day = self.late_days.get(invoice.account.business_unit_id, self.day) if self.late_days else self.day
        allowed = [self._allowed_day(invoice, source, day) for source, _ in parts]
        asked = parts
        if max(allowed) > day:
            asked = [part for part, first in zip(parts, allowed, strict=True) if first <= day]
        payments = [
            self._payment(account_number, invoice, source, share, place, day)
            for place, (source, share) in enumerate(asked, 1)
        ]
        after = invoice.attempted(len(payments))
        if len(asked) < len(parts):
            after = after._replace(next_attempt_date=min(first for first in allowed if first > day))
            return after, payments, _at_limit(after, parts, asked)
        missing = _share_not_paid(invoice, shares, parts) if len(sources) > 1 else None
        return after, payments, missing

    def _without_given_up(self, invoice: Invoice, sources: Sequence[FundingSource]) -> Sequence[FundingSource]:
        """Ask a card for nothing that isn't tried again while another one is asked; a renewed card is another one."""
        given_up = self.given_up.get(invoice.id, ())
        asked = [one.is_valid and (one.token, one.expiry_month, one.expiry_year) not in given_up for one in sources]
        if not any(asked):
            return sources
        return [one._replace(is_valid=is_asked) for one, is_asked in zip(sources, asked, strict=True)]

    def _allowed_day(self, invoice: Invoice, source: FundingSource, day: date) -> date:
        of_card, of_invoice = self._cards.get(source.token), self._invoices.get((invoice.id, source.token))
        allowed = day
        if of_card:
            allowed = first_allowed_day(self._limits[source.tender, Per.SOURCE], of_card, day)
        if of_invoice:
            per_invoice = first_allowed_day(self._limits[source.tender, Per.INVOICE], of_invoice, day)
            allowed = max(allowed, per_invoice)
        return allowed

    def _payment(
        self, account_number: str, invoice: Invoice, source: FundingSource, share: int, place: int, day: date
    ) -> NewAttempt:
        self._cards[source.token].append(day)
        self._invoices[invoice.id, source.token].append(day)
        payment = Payment(self.new_id(), invoice.account, kind_of(invoice, self.bill_run_id), share, invoice.currency)
        return NewAttempt(
            self.new_id(),
            payment,
            source,
            account_number,
            invoice,
            self.bill_run_id,
            None,
            Label.ORIGINAL,
            invoice.attempts + place,
            day,
            self.day,
        )


def _at_limit(
    later: Invoice, parts: Sequence[tuple[FundingSource, int]], asked: Sequence[tuple[FundingSource, int]]
) -> NotPaid:
    """Say from when on the networks allow what isn't asked for now."""
    text = f"The card network allows no further attempt before {later.next_attempt_date:%Y-%m-%d}."
    if asked:
        whole, now = (sum(share for _, share in some) for some in (parts, asked))
        text = f"{Money(whole - now, later.currency)} of it waits as a share: {text[0].lower()}{text[1:]}"
    return NotPaid(later, ATTEMPT_LIMIT, text)


def _not_paid(invoice: Invoice, *, is_manual: bool) -> NotPaid:
    if is_manual:
        text = "The account pays by statement: it is invoiced, and nothing is collected automatically."
        return NotPaid(invoice, MANUAL_SOURCE, text)
    return NotPaid(invoice, NO_VALID_SOURCE, "The account has no funding source that may be charged.")


def _share_not_paid(
    invoice: Invoice, shares: Sequence[tuple[FundingSource, int]], parts: Sequence[tuple[FundingSource, int]]
) -> NotPaid | None:
    """Name the share of an invoice that nobody is asked for: its source may not be charged, or pays by statement."""
    asked, shared = (sum(share for _, share in some) for some in (parts, shares))
    if shared < invoice.balance_minor:
        amount = Money(invoice.balance_minor - shared, invoice.currency)
        return NotPaid(invoice, NO_VALID_SOURCE, f"{amount} of it is the share of a source that may not be charged.")
    if asked < shared:
        amount = Money(shared - asked, invoice.currency)
        return NotPaid(invoice, MANUAL_SOURCE, f"{amount} of it is the share of a source that pays by statement.")
    return None
