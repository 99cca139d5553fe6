"""Open a planner with what it must know of attempts and payments so far (SPEC BIL-5)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from boss_billing.declines import store as declines
from boss_billing.declines.rules import Per
from boss_billing.funding.rules import FundingSource
from boss_billing.invoices.rules import Invoice
from boss_billing.payments import store
from boss_billing.payments.planning import Planner
from boss_kit.ids import new_id


def open_planner(
    connection: sa.Connection,
    enterprise_id: UUID,
    run_id: UUID,
    day: date,
    sources: Sequence[FundingSource],
    older: Mapping[UUID, Invoice] | None = None,
    account_ids: Sequence[UUID] = (),
) -> Planner:
    """Read the limits and the attempts they count, for a page of sources and of older invoices."""
    limits = declines.attempt_limits(connection, enterprise_id)
    per_source = [limit for limit in limits if limit.per is Per.SOURCE]
    limited = {limit.tender for limit in per_source}
    source_days = store.attempts_of_sources(
        connection,
        enterprise_id,
        [source.id for source in sources if source.tender in limited],
        day - timedelta(days=max((limit.window_days for limit in per_source), default=0)),
        min((limit.attempts_max for limit in per_source), default=1),
    )
    invoice_days = store.attempts_of_invoices(connection, enterprise_id, account_ids, list(older or ()))
    shared = [one for one in older or () if len(sources) > 1]
    paid = store.paid_by_sources(connection, enterprise_id, account_ids, shared)
    return Planner(run_id, day, limits, new_id, source_days, invoice_days, paid)
