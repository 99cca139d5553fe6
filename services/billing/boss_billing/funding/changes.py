"""Add and change funding sources as staff ask for it (SPEC 0)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from boss_billing.accounts.commands import require_account
from boss_billing.accounts.rules import AccountRef
from boss_billing.funding import store
from boss_billing.funding.rules import FundingSource, FundingSourceChanged
from boss_billing.funding.sharing import arrange_change, arrange_new
from boss_billing.invoices import store as invoices
from boss_kit.errors import NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

_CARD = {"tender", "token", "last4", "expiry_month", "expiry_year"}


@dataclass(frozen=True)
class AddSource:
    """A source to add, its values by the names of `FundingSource`."""

    account: AccountRef
    values: Mapping[str, Any]


@dataclass(frozen=True)
class ChangeSource:
    """What shall be different of a source, by the names of `FundingSource`."""

    account: AccountRef
    source_id: UUID
    changes: Mapping[str, Any]


def add_source(tx: Transaction, command: AddSource) -> FundingSource:
    """Add a source, valid and active; the first one of an account is the primary.

    Raises NotFound without the account, InvalidArgument for data that can't be right or percents beyond 100.
    """
    account = require_account(tx, command.account)
    present = _sources(tx, account.ref)
    values = {**command.values, "is_valid": True, "is_active": True}
    new = FundingSource(id=new_id(), account=account.ref, version=1, **values)
    arranged = arrange_new(present, new)
    (added,) = [one for one in arranged if one.id == new.id]
    day = tx.today(account.time_zone)
    store.add(tx.connection, [added], tx.now)
    changes = _changes(present, [one for one in arranged if one.id != new.id])
    store.save(tx.connection, account.ref.enterprise_id, [after for _, after in changes])
    facts = [
        FundingSourceChanged(added, "", "created", day),
        *(_changed(before, after, day) for before, after in changes),
    ]
    _tell(tx, facts)
    if added.is_recurring:
        invoices.plan_again(tx.connection, account.ref, day + timedelta(days=1))
    return added


def change_source(tx: Transaction, command: ChangeSource) -> FundingSource:
    """Change a source, and with it the primary flag and the percents of the others.

    Renewed card data makes it valid again; open invoices without a planned attempt are then tried from tomorrow on.
    Raises NotFound without the source, InvalidArgument for data that can't be right or percents that don't sum to 100,
    FailedPrecondition where the account would be left without a primary source.
    """
    account = require_account(tx, command.account)
    present = _sources(tx, account.ref)
    if command.source_id not in {one.id for one in present}:
        raise NotFound(
            "FUNDING_SOURCE_NOT_FOUND",
            f"There is no funding source {command.source_id} on this account.",
            metadata={"funding_source_id": str(command.source_id)},
        )
    renewed = bool(_CARD & set(command.changes))
    wanted = {**({"is_valid": True} if renewed else {}), **command.changes}
    arranged = arrange_change(present, command.source_id, wanted)
    changes = _changes(present, arranged)
    day = tx.today(account.time_zone)
    store.save(tx.connection, account.ref.enterprise_id, [after for _, after in changes])
    _tell(tx, [_changed(before, after, day) for before, after in changes])
    if renewed or wanted.get("is_valid") or wanted.get("is_recurring"):
        invoices.plan_again(tx.connection, account.ref, day + timedelta(days=1))
    return next(one for one in arranged if one.id == command.source_id)


def _sources(tx: Transaction, ref: AccountRef) -> Sequence[FundingSource]:
    return store.sources_of(tx.connection, ref.enterprise_id, [ref.id]).get(ref.id, [])


def _changes(
    before: Sequence[FundingSource], after: Sequence[FundingSource]
) -> list[tuple[FundingSource, FundingSource]]:
    known = {one.id: one for one in before}
    return [(known[one.id], one) for one in after if one != known[one.id]]


def _changed(before: FundingSource, after: FundingSource, day: date) -> FundingSourceChanged:
    return FundingSourceChanged(after, before.last4, "staff", day, before)


def _tell(tx: Transaction, facts: Sequence[FundingSourceChanged]) -> None:
    store.add_changes(tx.connection, facts, tx.context.correlation, tx.now)
    tx.publish(*facts)
