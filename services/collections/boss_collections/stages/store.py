"""Tables and SQL of stages and of who set them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_collections.debtors.rules import AccountRef
from boss_collections.stages.rules import NOT_SET, Stage

_FIND = sa.text(
    "SELECT stage, set_date, set_by, version FROM stage WHERE enterprise_id = :enterprise AND account_id = :account"
)
_FIND_ALL = sa.text(
    """
    SELECT enterprise_id, account_id, stage, set_date, set_by, version FROM stage
    WHERE (enterprise_id, account_id) IN (
        SELECT * FROM unnest(CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[]))
    )
    """
)
_LOCK_ACCOUNTS = sa.text(
    """
    SELECT id FROM account
    WHERE (enterprise_id, id) IN (SELECT * FROM unnest(CAST(:enterprises AS uuid[]), CAST(:accounts AS uuid[])))
    ORDER BY enterprise_id, id FOR UPDATE
    """
)
_SAVE = sa.text(
    """
    INSERT INTO stage (enterprise_id, business_unit_id, account_id, stage, set_date, set_by, version)
    SELECT * FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]), CAST(:accounts AS uuid[]), CAST(:stages AS text[]),
        CAST(:days AS date[]), CAST(:people AS text[]), CAST(:versions AS bigint[])
    )
    ORDER BY 1, 3
    ON CONFLICT (enterprise_id, account_id) DO UPDATE SET
        stage = excluded.stage, set_date = excluded.set_date, set_by = excluded.set_by, version = excluded.version
    """
)
_REMEMBER = sa.text(
    """
    INSERT INTO stage_change (
        enterprise_id, business_unit_id, account_id, id, previous_stage, stage, set_date, actor, correlation,
        create_time
    )
    SELECT enterprise_id, business_unit_id, account_id, id, previous, stage, day, CAST(actor AS jsonb), correlation,
        :now
    FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]), CAST(:accounts AS uuid[]), CAST(:ids AS uuid[]),
        CAST(:previous AS text[]), CAST(:stages AS text[]), CAST(:days AS date[]), CAST(:actors AS text[]),
        CAST(:correlations AS text[])
    ) AS incoming (enterprise_id, business_unit_id, account_id, id, previous, stage, day, actor, correlation)
    """
)
_PAGE = sa.text(
    """
    SELECT account.business_unit_id, account.id, account.number, coalesce(stage.stage, :not_set) AS stage,
        stage.set_date, coalesce(stage.set_by, '') AS set_by, coalesce(stage.version, 0) AS version
    FROM account LEFT JOIN stage ON stage.enterprise_id = account.enterprise_id AND stage.account_id = account.id
    WHERE account.enterprise_id = :enterprise
        AND (CAST(:unit AS uuid) IS NULL OR account.business_unit_id = CAST(:unit AS uuid))
        AND (:wanted = '' OR coalesce(stage.stage, :not_set) = :wanted)
        AND (account.number, account.id) > (:after_number, CAST(:after_id AS uuid))
    ORDER BY account.number, account.id
    LIMIT :limit
    """
)
_FIRST_ID = UUID(int=0)


@dataclass(frozen=True)
class StageChange:
    """One line of who set which stage."""

    id: UUID
    previous_stage: str
    stage: Stage
    actor: str
    correlation: str


@dataclass(frozen=True)
class ListedStage:
    """A stage with the number its account is listed by."""

    number: str
    stage: Stage


def find(connection: sa.Connection, account: AccountRef) -> Stage:
    """Read the stage of an account; one nobody has set is `Not Set`."""
    row = connection.execute(_FIND, {"enterprise": account.enterprise_id, "account": account.account_id}).one_or_none()
    return Stage(account, row.stage, row.set_date, row.set_by, row.version) if row else Stage(account)


def lock(connection: sa.Connection, accounts: Sequence[AccountRef]) -> dict[AccountRef, Stage]:
    """Read the stages of accounts and keep other commands on them waiting."""
    connection.execute(_LOCK_ACCOUNTS, _refs(accounts))
    by_id = {(account.enterprise_id, account.account_id): account for account in accounts}
    found = {account: Stage(account) for account in accounts}
    for row in connection.execute(_FIND_ALL, _refs(accounts)):
        account = by_id[row.enterprise_id, row.account_id]
        found[account] = Stage(account, row.stage, row.set_date, row.set_by, row.version)
    return found


def save(connection: sa.Connection, changes: Sequence[StageChange], now: datetime) -> None:
    """Write stages and who set them."""
    stages = [change.stage for change in changes]
    values = {
        **_refs([stage.account for stage in stages]),
        "stages": [stage.stage for stage in stages],
        "days": [stage.set_date for stage in stages],
    }
    people = {"people": [stage.set_by for stage in stages], "versions": [stage.version for stage in stages]}
    connection.execute(_SAVE, {**values, **people})
    story = {
        "ids": [change.id for change in changes],
        "previous": [change.previous_stage for change in changes],
        "actors": [change.actor for change in changes],
        "correlations": [change.correlation for change in changes],
        "now": now,
    }
    connection.execute(_REMEMBER, {**values, **story})


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    wanted: str,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[ListedStage]:
    """Read accounts in a stage, or all, after a number and id."""
    number, account_id = after or ("", _FIRST_ID)
    rows = connection.execute(
        _PAGE,
        {
            "enterprise": enterprise_id,
            "unit": unit_id,
            "wanted": wanted,
            "not_set": NOT_SET,
            "after_number": number,
            "after_id": account_id,
            "limit": limit,
        },
    )
    return [_listed(enterprise_id, row) for row in rows]


def _listed(enterprise_id: UUID, row: "sa.Row[Any]") -> ListedStage:
    account = AccountRef(enterprise_id, row.business_unit_id, row.id)
    set_date: date | None = row.set_date
    return ListedStage(row.number, Stage(account, row.stage, set_date, row.set_by, row.version))


def _refs(accounts: Sequence[AccountRef]) -> dict[str, list[UUID]]:
    return {
        "enterprises": [account.enterprise_id for account in accounts],
        "units": [account.business_unit_id for account in accounts],
        "accounts": [account.account_id for account in accounts],
    }
