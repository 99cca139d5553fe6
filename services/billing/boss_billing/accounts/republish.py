"""Tell late or rebuilt consumers what every account owes."""

from uuid import UUID

from boss_billing.accounts import store
from boss_billing.accounts.commands import announce
from boss_kit.context import SYSTEM, Context
from boss_kit.unit_of_work import UnitOfWork

PAGE = 1000


def republish_accounts(units: UnitOfWork) -> int:
    """Publish the state of all accounts, a page per transaction; give how many."""
    count, after = 0, (UUID(int=0), UUID(int=0))
    while True:
        with units.begin(Context(actor=SYSTEM)) as tx:
            rows = store.page_of_all(tx.connection, after, PAGE)
        if not rows:
            return count
        enterprise_id = rows[0][0]
        page = [account_id for owner, account_id in rows if owner == enterprise_id]
        with units.begin(Context(enterprise_id=enterprise_id, actor=SYSTEM)) as tx:
            announce(tx, store.lock(tx.connection, enterprise_id, page))
        count, after = count + len(page), (enterprise_id, page[-1])
