"""SQL of what people have signed."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import AGREEMENT_TYPES, EXPIRED
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_agreements.member_statuses.rules import Signed

_MEMBERSHIP = AGREEMENT_TYPES[0]


def signed_by(
    connection: sa.Connection, enterprise_id: UUID, member_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[Signed]]:
    """Read what members have signed, add-ons on their own names too; what was rewritten counts as its successor.

    Of an imported agreement, which has no definition, the type says whether its owner qualifies.
    """
    line = agreement_line.c
    term_end = (
        sa.select(sa.func.max(line.term_end_date))
        .where(line.enterprise_id == agreement.c.enterprise_id, line.agreement_id == agreement.c.id)
        .scalar_subquery()
    )
    qualifies = sa.and_(
        agreement.c.qualifies_member,
        sa.or_(agreement.c.definition_id.is_not(None), agreement.c.agreement_type == _MEMBERSHIP),
    )
    query = sa.select(
        agreement.c.member_id,
        agreement.c.number,
        agreement.c.display_name,
        agreement.c.status,
        agreement.c.cancel_date,
        qualifies.label("qualifies"),
        term_end.label("term_end"),
    ).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.member_id == sa.any_(sa.cast(list(member_ids), ARRAY(PG_UUID))),
        agreement.c.rewritten_to_id.is_(None),
    )
    found: dict[UUID, list[Signed]] = defaultdict(list)
    for row in connection.execute(query):
        last_day = row.cancel_date
        if row.status == EXPIRED and row.term_end is not None:
            last_day = row.term_end - timedelta(days=1)
        found[row.member_id].append(Signed(row.number, row.display_name, row.status, row.qualifies, last_day))
    return found
