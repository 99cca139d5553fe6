"""Make accounts, and tell others what they owe: every command that moves money ends here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts import store
from boss_billing.accounts.rules import Account, AccountBalanceChanged, AccountRef, OpenItem, check_number
from boss_billing.units import commands as units
from boss_kit.errors import AlreadyExists, InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class NewAccount:
    """An account to make under an id the caller has chosen; without a currency it has the unit's."""

    ref: AccountRef
    number: str
    currency: str = ""


def create_account(tx: Transaction, command: NewAccount) -> Account:
    """Make an account that owes nothing.

    Raises NotFound without the unit, InvalidArgument for a number or currency that can't be, AlreadyExists if the id or
    the number is taken.
    """
    unit = units.require_unit(tx, command.ref.enterprise_id, command.ref.business_unit_id)
    check_number(command.number)
    if command.currency not in ("", unit.currency):
        raise InvalidArgument.field("account.currency", f"must be {unit.currency}, the business unit's currency.")
    made = Account(command.ref, command.number, unit.currency, unit.time_zone, 0, 0)
    if not store.add_one(tx.connection, made, tx.now):
        raise AlreadyExists(
            "ACCOUNT_EXISTS",
            f"There is an account with the id {command.ref.id} or the number {command.number!r} already; "
            "use it, or choose others.",
            metadata={"account": command.ref.name, "number": command.number},
        )
    announce(tx, {made.ref.id: made})
    return made


def require_account(tx: Transaction, ref: AccountRef) -> Account:
    """Lock an account until the transaction ends. Raises NotFound."""
    account = store.lock(tx.connection, ref.enterprise_id, [ref.id]).get(ref.id)
    if account is None or account.ref != ref:
        raise NotFound("ACCOUNT_NOT_FOUND", f"There is no account {ref.name}.", metadata={"account": ref.name})
    return account


def announce(tx: Transaction, accounts: Mapping[UUID, Account]) -> None:
    """Write locked accounts and publish what they owe now: once per account and transaction, at its end."""
    if not accounts:
        return
    tell(tx, accounts, *store.standing(tx.connection, tx.enterprise_id, accounts))


def tell(
    tx: Transaction,
    accounts: Mapping[UUID, Account],
    open_items: Mapping[UUID, Sequence[OpenItem]],
    in_flight: Collection[UUID],
) -> None:
    """Write locked accounts and publish what they owe, for who knows their open items and payments in flight."""
    ordered = [accounts[one] for one in sorted(accounts, key=lambda one: one.int)]
    versions = store.next_versions(tx.connection, tx.enterprise_id, ordered)
    tx.publish(
        *(
            AccountBalanceChanged(
                one.ref,
                one.number,
                one.currency,
                versions[one.ref.id],
                one.credit_minor,
                open_items.get(one.ref.id, ()),
                one.ref.id in in_flight,
                tx.today(one.time_zone),
            )
            for one in ordered
        )
    )
