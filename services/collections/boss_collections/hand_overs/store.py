"""Table and SQL of what was handed over."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from boss_collections.hand_overs.rules import HandOver
from boss_kit.events.received import Received

_ADD = sa.text(
    """
    INSERT INTO hand_over (
        enterprise_id, business_unit_id, account_id, id, hand_over_date, past_due_balance_minor, currency, agency,
        correlation, create_time
    )
    SELECT enterprise_id, unit_id, account_id, cycle_id, day, amount, currency, agency, correlation, :now
    FROM unnest(
        CAST(:enterprises AS uuid[]), CAST(:units AS uuid[]), CAST(:accounts AS uuid[]), CAST(:cycles AS uuid[]),
        CAST(:days AS date[]), CAST(:amounts AS bigint[]), CAST(:currencies AS text[]), CAST(:agencies AS text[]),
        CAST(:correlations AS text[])
    ) AS incoming (enterprise_id, unit_id, account_id, cycle_id, day, amount, currency, agency, correlation)
    ON CONFLICT DO NOTHING
    """
)


def add(connection: sa.Connection, page: Sequence[Received[HandOver]], now: datetime) -> None:
    """Write hand-overs; one cycle is handed over once."""
    facts = [received.fact for received in page]
    connection.execute(
        _ADD,
        {
            "enterprises": [fact.account.enterprise_id for fact in facts],
            "units": [fact.account.business_unit_id for fact in facts],
            "accounts": [fact.account.account_id for fact in facts],
            "cycles": [fact.cycle_id for fact in facts],
            "days": [received.event.business_date for received in page],
            "amounts": [fact.past_due_balance.amount_minor for fact in facts],
            "currencies": [fact.past_due_balance.currency for fact in facts],
            "agencies": [fact.agency for fact in facts],
            "correlations": [received.event.correlation for received in page],
            "now": now,
        },
    )
