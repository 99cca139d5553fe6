"""Reads of stages."""

from collections.abc import Sequence
from uuid import UUID

from boss_collections.debtors import store as debtors
from boss_collections.debtors.rules import AccountRef
from boss_collections.stages import store
from boss_collections.stages.commands import not_found
from boss_collections.stages.rules import Stage
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


def get_stage(tx: Transaction, account: AccountRef) -> Stage:
    """Read an account's stage. Raises NotFound without the account."""
    if not debtors.has_account(tx.connection, account):
        raise not_found(account)
    return store.find(tx.connection, account)


def list_stages(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, wanted: str, page: Page
) -> tuple[Sequence[Stage], str]:
    """List the accounts in a stage, or all, by number; give the next page's token, too."""
    rows = store.page(tx.connection, enterprise_id, unit_id, wanted, page.key(str, UUID), page.limit)
    kept, token = page.cut(rows, lambda row: (row.number, row.stage.account.account_id))
    return [row.stage for row in kept], token
