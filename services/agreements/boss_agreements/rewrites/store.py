"""SQL of rewrites."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

_COPY_ANSWERS = sa.text(
    """
    INSERT INTO charge_answer (
        enterprise_id, line_id, cycle_no, kind, business_unit_id, due_date, outcome, invoice, reason, amount_minor,
        period_start_date, period_end_date, create_time)
    SELECT enterprise_id, kept.after, cycle_no, kind, business_unit_id, due_date, outcome, invoice, reason,
        amount_minor, period_start_date, period_end_date, create_time
    FROM charge_answer
    JOIN unnest(CAST(:before AS uuid[]), CAST(:after AS uuid[])) AS kept (before, after) ON kept.before = line_id
    WHERE enterprise_id = :enterprise_id
    """
)


def copy_answers(connection: sa.Connection, enterprise_id: UUID, kept: Sequence[tuple[UUID, UUID]]) -> None:
    """Take what was billed for old lines over to the lines that go on for them."""
    if kept:
        values = {"before": [before for before, _ in kept], "after": [after for _, after in kept]}
        connection.execute(_COPY_ANSWERS, {"enterprise_id": enterprise_id, **values})
