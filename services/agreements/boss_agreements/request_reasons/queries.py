"""Read what the wizards offer."""

from collections.abc import Mapping
from uuid import UUID

from boss_agreements.request_reasons.rules import check_listed
from boss_agreements.request_reasons.store import REQUEST_REASONS
from boss_kit.unit_of_work import Transaction


def check_reasons(tx: Transaction, enterprise_id: UUID, unit_id: UUID, given: Mapping[str, tuple[str, str]]) -> None:
    """Refuse reasons that a unit doesn't offer; `given` has words and field by use. Raises InvalidArgument."""
    if not any(text for text, _ in given.values()):
        return
    offered = REQUEST_REASONS.all_visible(tx.connection, enterprise_id, unit_id, show_inactive=False)
    for use, (text, field) in given.items():
        check_listed(text, [one.name for one in offered if one.use == use], field)
