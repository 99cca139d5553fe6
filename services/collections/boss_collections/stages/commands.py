"""Who moves an account from stage to stage: staff, and the hand-over from ARM (SPEC COL-4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from boss_collections.debtors import store as debtors
from boss_collections.debtors.rules import AccountRef
from boss_collections.stages import store
from boss_collections.stages.rules import Stage, StageChanged
from boss_kit.errors import NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Cause, Transaction


@dataclass(frozen=True)
class SetStage:
    """What a person asks for."""

    account: AccountRef
    stage: str


@dataclass(frozen=True)
class Move:
    """An account whose stage may change because of an event."""

    account: AccountRef
    business_date: date
    cause: Cause


def set_stage(tx: Transaction, command: SetStage) -> Stage:
    """Set an account's stage; the one it has already changes nothing. Raises NotFound without the account."""
    account = command.account
    if not debtors.lock_account(tx.connection, account):
        raise not_found(account)
    before = store.find(tx.connection, account)
    if before.stage == command.stage:
        return before
    zone = debtors.zones(tx.connection, account.enterprise_id, account.business_unit_id)[account.business_unit_id]
    today, person = tx.today(zone), tx.context.actor
    after = replace(before, stage=command.stage, set_date=today, set_by=person.user, version=before.version + 1)
    change = store.StageChange(new_id(), before.stage, after, person.to_json(), tx.context.correlation)
    store.save(tx.connection, [change], tx.now)
    tx.publish(StageChanged(after, today))
    return after


def move_stages(tx: Transaction, moves: Sequence[Move], next_stage: Callable[[str], str]) -> None:
    """Give the accounts of events the stage that follows from theirs; those it doesn't change stay as they are."""
    before = store.lock(tx.connection, [move.account for move in moves])
    changes = [made for move in moves if (made := _change(before[move.account], move, next_stage))]
    if not changes:
        return
    store.save(tx.connection, [change for change, _ in changes], tx.now)
    for change, move in changes:
        tx.publish(StageChanged(change.stage, move.business_date), cause=move.cause)


def _change(before: Stage, move: Move, next_stage: Callable[[str], str]) -> tuple[store.StageChange, Move] | None:
    wanted = next_stage(before.stage)
    if wanted == before.stage:
        return None
    context = move.cause.context
    after = Stage(before.account, wanted, move.business_date, context.actor.user, before.version + 1)
    return store.StageChange(new_id(), before.stage, after, context.actor.to_json(), context.correlation), move


def not_found(account: AccountRef) -> NotFound:
    """Say that there is no such account."""
    return NotFound(
        "ACCOUNT_NOT_FOUND",
        f"account: there is no account {account.name}; take a name from ListDebtors or from billing.",
        metadata={"account": account.name},
    )
