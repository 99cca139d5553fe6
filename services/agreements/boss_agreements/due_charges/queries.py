"""Read what is due, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import repeat
from uuid import UUID

from boss_agreements.due_charges import rules, store
from boss_agreements.due_charges.rules import Charge, Skip
from boss_agreements.due_charges.store import DueLine, Terms
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import STOP_BILLING, Window
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.unit_of_work import Transaction

PAGE_SIZE_DEFAULT = 2000
PAGE_SIZE_MAX = 5000
SHARDS_MAX = 256


@dataclass(frozen=True)
class Shard:
    """Which part of a unit's closed day is asked for."""

    enterprise_id: UUID
    business_unit_id: UUID
    bill_date: date
    number: int
    of: int
    page_size: int
    preview: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """A charge as all lines of the same terms have it: its cycles count from the line's own."""

    terms: Terms
    charge: Charge


@dataclass(frozen=True)
class DuePage:
    """A page: what is due, what is skipped and why, and the account the next page begins after."""

    charges: Sequence[tuple[DueLine, Due]]
    skipped: Sequence[tuple[DueLine, Skip]]
    next_after: UUID | None


def check_shard(shard: Shard) -> None:
    """Refuse a shard that isn't one. Raises InvalidArgument."""
    if not 0 < shard.of <= SHARDS_MAX:
        raise InvalidArgument.field("shard_count", f"{shard.of} is not between 1 and {SHARDS_MAX}.")
    if not 0 <= shard.number < shard.of:
        raise InvalidArgument.field("shard", f"{shard.number} is not between 0 and {shard.of - 1}.")


def due_page(tx: Transaction, shard: Shard, after: UUID | None) -> DuePage:
    """Read the page after an account. Raises FailedPrecondition if the date isn't closed, but for a preview."""
    closed = store.find_closed(tx.connection, shard.enterprise_id, shard.business_unit_id, shard.bill_date)
    if closed is None and not shard.preview:
        raise FailedPrecondition(
            "BILL_DATE_NOT_CLOSED",
            f"The bill date {shard.bill_date} isn't closed for this business unit; call CloseBillDate first.",
            metadata={"bill_date": str(shard.bill_date)},
        )
    since = (closed.previous_date if closed is not None else None) or date.min
    lines = store.lines_page(
        tx.connection,
        shard.enterprise_id,
        shard.business_unit_id,
        shard.bill_date,
        rules.accounts_of_shard(shard.number, shard.of),
        after,
        shard.page_size,
    )
    agreement_ids = {line.agreement_id for line in lines}
    windows = suspensions.windows_by_effect(tx.connection, shard.enterprise_id, agreement_ids, (STOP_BILLING,))
    charges: list[tuple[DueLine, Due]] = []
    # An agreement says a reason once, however many of its lines have it.
    skipped: dict[tuple[str, str], tuple[DueLine, Skip]] = {}
    for line in lines:
        paused = windows[STOP_BILLING].get(line.agreement_id)
        due = _usually_due(line.terms, shard.bill_date) if paused is None else _due(line.terms, paused, shard.bill_date)
        charges += zip(repeat(line), due, strict=False)
        skip = None if due else rules.skip_of(line.terms.line, paused or (), since, shard.bill_date)
        if skip is not None:
            skipped.setdefault((line.agreement_id, skip.reason), (line, skip))
    next_after = UUID(lines[-1].account_id) if len(lines) >= shard.page_size else None
    return DuePage(charges, list(skipped.values()), next_after)


# Most members of a club have bought the same, and few are suspended.
@lru_cache(maxsize=16384)
def _usually_due(terms: Terms, day: date) -> Sequence[Due]:
    return _due(terms, (), day)


def _due(terms: Terms, windows: Sequence[Window], day: date) -> Sequence[Due]:
    return [Due(terms, charge) for charge in rules.charges_through(terms.line, windows, day)]
