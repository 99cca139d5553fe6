"""Open new members' accounts in billing."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from boss_kit.errors import AlreadyExists, NotFound, Transient
from boss_kit.tasks import Task


class Accounts(Protocol):
    """Who keeps accounts."""

    def create_account(self, enterprise_id: UUID, unit_id: UUID, account_id: UUID, number: str) -> None:
        """Open an account, once. Raises AlreadyExists, NotFound where the unit isn't known yet."""


def account_process(accounts: Accounts) -> Callable[[Task], None]:
    """Make the process that opens an account; repeatable, and tried again until billing knows the unit."""

    def process(task: Task) -> None:
        unit_id, account_id = UUID(str(task.args["business_unit_id"])), UUID(str(task.args["account_id"]))
        try:
            accounts.create_account(task.enterprise_id, unit_id, account_id, str(task.args["number"]))
        except AlreadyExists:
            # A sale may have been faster: it opens the account it needs.
            return
        except NotFound as error:
            raise Transient("ACCOUNT_NOT_OPENED", f"billing doesn't know the unit yet: {error.message}") from error

    return process
