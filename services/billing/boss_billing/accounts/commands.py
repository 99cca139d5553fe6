"""Tell others what accounts owe; every command that moves money ends here."""

from collections.abc import Mapping
from uuid import UUID

from boss_billing.accounts import store
from boss_billing.accounts.rules import Account, AccountBalanceChanged
from boss_billing.invoices import store as invoices
from boss_billing.payments import store as payments
from boss_kit.unit_of_work import Transaction


def announce(tx: Transaction, accounts: Mapping[UUID, Account]) -> None:
    """Write locked accounts and publish what they owe now: once per account and transaction, at its end."""
    if not accounts:
        return
    ids = sorted(accounts)
    versions = store.next_versions(tx.connection, tx.enterprise_id, [accounts[one] for one in ids])
    open_items = invoices.open_items(tx.connection, tx.enterprise_id, ids)
    in_flight = payments.accounts_in_flight(tx.connection, tx.enterprise_id, ids)
    tx.publish(
        *(
            AccountBalanceChanged(
                accounts[one].ref,
                accounts[one].number,
                accounts[one].currency,
                versions[one],
                accounts[one].credit_minor,
                open_items.get(one, ()),
                one in in_flight,
                tx.today(accounts[one].time_zone),
            )
            for one in ids
        )
    )
