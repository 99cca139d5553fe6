"""Which of an account's sources is the primary, and who pays which part: always 100 percent together (SPEC 0). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from boss_billing.funding.rules import MANUAL, TENDERS, WHOLE_PERCENT, CardUpdate, FundingSource, check_update
from boss_kit.errors import FailedPrecondition, InvalidArgument

_PERCENT = "funding_source.responsibility_percent"


def arrange_new(present: Sequence[FundingSource], new: FundingSource) -> list[FundingSource]:
    """Give all sources as they are with a new one. Raises InvalidArgument."""
    check_source(new)
    is_first = not any(one.is_active for one in present)
    if is_first:
        new = new._replace(is_primary=True)
    asked = new.responsibility_percent or None
    return _arrange([*present, new], new, asked)


def arrange_change(
    present: Sequence[FundingSource], source_id: UUID, changes: Mapping[str, Any]
) -> list[FundingSource]:
    """Give all sources as they are after a change of one. Raises InvalidArgument, FailedPrecondition."""
    before = next(one for one in present if one.id == source_id)
    after = before._replace(**changes)
    check_source(after)
    _check_primary(present, before, after)
    asked = changes.get("responsibility_percent")
    arranged = _arrange([after if one.id == source_id else one for one in present], after, asked)
    known = {one.id: one for one in present}
    return [one._replace(version=one.version + 1) if one != known[one.id] else one for one in arranged]


def check_source(source: FundingSource) -> None:
    """Refuse data that can't be a source's. Raises InvalidArgument."""
    if source.tender == MANUAL:
        for field in ("token", "last4", "expiry_month", "expiry_year"):
            if getattr(source, field):
                text = "must be empty: statement billing has no card and no bank account."
                raise InvalidArgument.field(f"funding_source.{field}", text)
        return
    if source.tender not in TENDERS:
        known = ", ".join((*TENDERS, MANUAL))
        raise InvalidArgument.field("funding_source.tender", f"unknown tender; use one of {known}.")
    check_update(source.tender, CardUpdate(source.token, source.last4, source.expiry_month, source.expiry_year))


def _check_primary(present: Sequence[FundingSource], before: FundingSource, after: FundingSource) -> None:
    """Keep one primary source while there is an active one."""
    others = [one for one in present if one.id != before.id and one.is_active]
    if before.is_primary and not after.is_primary:
        raise FailedPrecondition(
            "PRIMARY_NEEDED",
            "An account has one primary funding source; make another one the primary instead.",
            metadata={"funding_source": before.name},
        )
    if before.is_primary and not after.is_active and others:
        raise FailedPrecondition(
            "PRIMARY_NEEDED",
            "The primary funding source can't become inactive while others are active; make another one the primary.",
            metadata={"funding_source": before.name},
        )
    if after.is_primary and not after.is_active and not before.is_primary:
        raise InvalidArgument.field("funding_source.primary", "can't be set on a source that isn't active.")


def _arrange(sources: Sequence[FundingSource], touched: FundingSource, asked: int | None) -> list[FundingSource]:
    takes_over = touched.is_recurring and asked == WHOLE_PERCENT
    arranged = [_alone(one, touched, takes_over=takes_over) for one in sources]
    paying = [one for one in arranged if one.is_recurring]
    primary = next((one for one in paying if one.is_primary), None)
    if len(paying) == 1 and primary is None:
        primary = paying[0]
    rest = sum(one.responsibility_percent for one in paying if one is not primary)
    _check_percents(paying, primary, rest)
    if primary is None:
        return arranged
    share = WHOLE_PERCENT - rest
    if asked not in (None, share) and primary.id == touched.id:
        text = f"must be {share}: what the other recurring sources leave of 100 percent."
        raise InvalidArgument.field(_PERCENT, text)
    return [one._replace(responsibility_percent=share) if one is primary else one for one in arranged]


def _alone(one: FundingSource, touched: FundingSource, *, takes_over: bool) -> FundingSource:
    """Give a source its flags: one primary, and nothing to pay for one that isn't used for recurring.

    A source that takes all 100 percent takes over from the others.
    """
    is_primary = one.is_primary and (one.id == touched.id or not touched.is_primary)
    is_recurring = one.is_recurring and one.is_active and (one.id == touched.id or not takes_over)
    percent = one.responsibility_percent if is_recurring else 0
    return one._replace(is_primary=is_primary, is_recurring=is_recurring, responsibility_percent=percent)


def _check_percents(paying: Sequence[FundingSource], primary: FundingSource | None, rest: int) -> None:
    if any(one.responsibility_percent < 1 for one in paying if one is not primary):
        raise InvalidArgument.field(_PERCENT, "must be 1 to 100 for a recurring source beside the primary one.")
    if primary is not None and rest >= WHOLE_PERCENT:
        text = (
            f"the other recurring sources come to {rest} percent and leave nothing for the primary one; "
            "lower theirs, or give one 100 to let it take over."
        )
        raise InvalidArgument.field(_PERCENT, text)
    if primary is None and paying and rest != WHOLE_PERCENT:
        text = f"the recurring sources come to {rest} percent, and none of them is the primary one to take the rest."
        raise InvalidArgument.field(_PERCENT, text)
