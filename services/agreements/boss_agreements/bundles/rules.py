"""What a bundle is (SPEC AGR-1). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreements.rules import INSTALMENT, PAID_IN_FULL, PERPETUAL, QUANTITY_MAX, TERM_MONTHS_MAX
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.catalogue.rules import Entry, check_choice
from boss_agreements.items.rules import Item
from boss_kit.errors import InvalidArgument

BILLINGS = (PERPETUAL, INSTALMENT, PAID_IN_FULL)
SCHEDULE_DEFAULT = "monthly_anniversary"
_ANY_DAY = date(2026, 1, 1)


@dataclass(frozen=True)
class BundleLine:
    """An item of a bundle; without a schedule of its own it bills on the bundle's."""

    item_id: UUID
    quantity: int = 1
    is_key_item: bool = False
    schedule: str = ""


@dataclass(frozen=True, kw_only=True)
class Bundle(Entry):
    """Items sold together: at least one of them is the Key Item, whose term is the agreement's.

    `obligation_months` is how long a perpetual one must be kept.
    """

    lines: tuple[BundleLine, ...]
    billing: str = PERPETUAL
    schedule: str = SCHEDULE_DEFAULT
    obligation_months: int = 0

    @property
    def item_ids(self) -> tuple[UUID, ...]:
        """Give its items."""
        return tuple(line.item_id for line in self.lines)

    @property
    def key_item_ids(self) -> tuple[UUID, ...]:
        """Give its Key Items."""
        return tuple(line.item_id for line in self.lines if line.is_key_item)


def check_bundle(bundle: Bundle, items: Mapping[UUID, Item]) -> None:
    """Refuse what can't be sold together: no Key Item, an unknown item, a term nobody knows. Raises InvalidArgument."""
    check_choice(bundle.billing, BILLINGS, "bundle.billing")
    check_schedule(bundle.schedule, "bundle.schedule")
    if not 0 <= bundle.obligation_months <= TERM_MONTHS_MAX:
        raise InvalidArgument.field("bundle.obligation_months", f"must lie between 0 and {TERM_MONTHS_MAX}.")
    if bundle.obligation_months and bundle.billing != PERPETUAL:
        raise InvalidArgument.field(
            "bundle.obligation_months", "is for perpetual bundles; a fixed term has its own end."
        )
    for number, line in enumerate(bundle.lines):
        _check_line(line, items, f"bundle.lines[{number}]")
    if len(set(bundle.item_ids)) < len(bundle.lines):
        raise InvalidArgument.field("bundle.lines", "names an item twice; raise its quantity instead.")
    check_key_item(bundle)
    if bundle.billing != PERPETUAL and term_months(bundle, items) is None:
        raise InvalidArgument.field(
            "bundle.billing",
            f"is {bundle.billing}, but no Key Item has term_months; a term lasts as long as its Key Item.",
        )


def check_key_item(bundle: Bundle) -> None:
    """Refuse a bundle without a Key Item (SPEC AGR-1). Raises InvalidArgument."""
    if not bundle.key_item_ids:
        raise InvalidArgument.field(
            "bundle.lines", "needs at least one Key Item; mark the item the agreement is about.", "KEY_ITEM_MISSING"
        )


def check_schedule(schedule: str, field: str) -> None:
    """Refuse a billing schedule nobody knows. Raises InvalidArgument."""
    parse_schedule(schedule, _ANY_DAY, field)


def term_months(bundle: Bundle, items: Mapping[UUID, Item]) -> int | None:
    """Tell how long a fixed term lasts: as long as its Key Item, the longest of several (SPEC AGR-4)."""
    if bundle.billing == PERPETUAL:
        return None
    terms = [items[one].term_months for one in bundle.key_item_ids]
    return max((term for term in terms if term is not None), default=None)


def _check_line(line: BundleLine, items: Mapping[UUID, Item], field: str) -> None:
    item = items.get(line.item_id)
    if item is None:
        raise InvalidArgument.field(f"{field}.item", f"{line.item_id} is not an item here.", "ITEM_UNKNOWN")
    if not 1 <= line.quantity <= QUANTITY_MAX:
        raise InvalidArgument.field(f"{field}.quantity", f"must lie between 1 and {QUANTITY_MAX:,}.")
    if line.is_key_item and not item.may_be_key:
        raise InvalidArgument.field(
            f"{field}.is_key_item", f"can't be set for a {item.kind}; choose access, service or rental."
        )
    if line.schedule:
        check_schedule(line.schedule, f"{field}.schedule")
