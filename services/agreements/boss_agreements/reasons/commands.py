"""Check reasons before they are saved, and link them with definitions from both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from boss_agreements.agreements.rules import FEE
from boss_agreements.catalogue.queries import not_found
from boss_agreements.catalogue.rules import Entry, EntryName
from boss_agreements.catalogue.store import Shelf
from boss_agreements.definitions.store import DEFINITIONS
from boss_agreements.items.store import ITEMS
from boss_agreements.reasons import rules, store
from boss_agreements.reasons.rules import CancelReason, SuspensionReason
from boss_agreements.work_roles.store import WORK_ROLES
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Choice:
    """The ones to be linked; all are those that are active now."""

    ids: frozenset[UUID]
    all: bool


def check_cancel_reason(tx: Transaction, reason: CancelReason) -> CancelReason:
    """Give a cancel reason as it is kept. Raises InvalidArgument."""
    _check_approvers(tx, reason, "cancel_reason")
    return rules.saved_cancel_reason(reason)


def check_suspension_reason(tx: Transaction, reason: SuspensionReason) -> SuspensionReason:
    """Give a suspension reason as it is kept; what it charges are fees. Raises InvalidArgument."""
    _check_approvers(tx, reason, "suspension_reason")
    saved = rules.saved_suspension_reason(reason)
    items = ITEMS.visible(tx.connection, saved.enterprise_id, saved.business_unit_id, saved.fee_item_ids)
    charges = {
        "freeze_charge_item": saved.freeze_charge_item_id,
        "recurring_charge_item": saved.recurring_charge_item_id,
    }
    for field, item_id in charges.items():
        if item_id is not None and (item_id not in items or items[item_id].kind != FEE):
            raise InvalidArgument.field(
                f"suspension_reason.{field}", f"{item_id} is not an item of kind fee here.", "NOT_A_FEE"
            )
    return saved


def set_reasons(tx: Transaction, definition: EntryName, cancel: Choice, suspension: Choice) -> None:
    """Link a definition with exactly the chosen reasons (SPEC AGR-2). Raises NotFound."""
    found = _locked(tx, DEFINITIONS, definition)
    for kind, choice in ((rules.CANCEL, cancel), (rules.SUSPENSION, suspension)):
        links = _choose(tx, store.SHELVES[kind], found, definition, choice)
        store.unlink(
            tx.connection, definition.enterprise_id, kind, definition_ids=[definition.id], reason_ids=links.others
        )
        store.link(tx.connection, definition.enterprise_id, kind, [(definition.id, one) for one in links.chosen])


def set_definitions(tx: Transaction, kind: str, reason: EntryName, choice: Choice) -> None:
    """Link a reason with exactly the chosen definitions (SPEC AGR-2). Raises NotFound."""
    found = _locked(tx, store.SHELVES[kind], reason)
    links = _choose(tx, DEFINITIONS, found, reason, choice)
    store.unlink(tx.connection, reason.enterprise_id, kind, definition_ids=links.others, reason_ids=[reason.id])
    store.link(tx.connection, reason.enterprise_id, kind, [(one, reason.id) for one in links.chosen])


def _check_approvers(tx: Transaction, reason: CancelReason | SuspensionReason, field: str) -> None:
    """Refuse approvers that are no work roles here: nobody could ever approve (SPEC AGR-3). Raises InvalidArgument."""
    if reason.approver_roles:
        roles = WORK_ROLES.all_visible(tx.connection, reason.enterprise_id, reason.business_unit_id, show_inactive=True)
        rules.check_approvers(reason.approver_roles, [one.name for one in roles], f"{field}.approver_roles")


@dataclass(frozen=True)
class _Links:
    chosen: Sequence[UUID]
    others: Sequence[UUID]


def _locked(tx: Transaction, shelf: Shelf[Any], name: EntryName) -> Entry:
    found: Entry | None = shelf.lock(tx.connection, name)
    if found is None:
        raise not_found(shelf.noun, name.id)
    return found


def _choose(tx: Transaction, shelf: Shelf[Any], found: Entry, name: EntryName, choice: Choice) -> _Links:
    """Split what the entry may be linked with; a unit doesn't change what the enterprise linked."""
    unit_id = name.business_unit_id
    seen = shelf.all_visible(tx.connection, name.enterprise_id, unit_id, show_inactive=True)
    missing = choice.ids - {one.id for one in seen}
    if missing:
        raise not_found(shelf.noun, min(missing))
    mine = [one for one in seen if unit_id in (found.business_unit_id, one.business_unit_id)]
    wanted = choice.ids | {one.id for one in mine if choice.all and one.active}
    return _Links(
        sorted(one.id for one in mine if one.id in wanted), sorted(one.id for one in mine if one.id not in wanted)
    )
