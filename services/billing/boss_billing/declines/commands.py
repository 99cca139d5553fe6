"""Change an enterprise's own decline table and attempt limits; answer alerts (SPEC BIL-5)."""

from dataclasses import dataclass
from uuid import UUID

from boss_billing.declines import store
from boss_billing.declines.rules import AttemptLimit, Code, Per, check_code, check_limit
from boss_billing.funding.rules import TENDERS
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class ResolveAlert:
    """An alert somebody has dealt with."""

    enterprise_id: UUID
    payment_id: UUID
    comment: str


def update_code(tx: Transaction, enterprise_id: UUID, wanted: Code) -> None:
    """Write an enterprise's own row of the decline table.

    Raises NotFound for a code the table doesn't have, InvalidArgument for what a code can't mean.
    """
    present = store.codes(tx.connection, enterprise_id).get(wanted.code)
    if present is None:
        text = f"The decline table has no code {wanted.code!r}."
        raise NotFound("DECLINE_CODE_NOT_FOUND", text, metadata={"code": wanted.code})
    check_code(present, wanted)
    store.save_code(tx.connection, enterprise_id, wanted)


def update_limit(tx: Transaction, enterprise_id: UUID, limit: AttemptLimit) -> None:
    """Write an enterprise's own attempt limit. Raises InvalidArgument."""
    if limit.tender not in TENDERS:
        raise InvalidArgument.field("attempt_limit.tender", f"must be one of {', '.join(TENDERS)}.")
    check_limit(limit)
    store.save_limit(tx.connection, enterprise_id, limit)


def delete_limit(tx: Transaction, enterprise_id: UUID, tender: str, per: Per, window_days: int) -> None:
    """Take an enterprise's own attempt limit away, so that the one for all holds again, if any. Raises NotFound."""
    if not store.delete_limit(tx.connection, enterprise_id, tender, per, window_days):
        of = f"{tender} per {per} in {window_days} days"
        text = f"The enterprise has no limit of its own for {of}; list those it has."
        key = {"tender": tender, "per": per, "window_days": str(window_days)}
        raise NotFound("ATTEMPT_LIMIT_NOT_FOUND", text, metadata=key)


def resolve_alert(tx: Transaction, command: ResolveAlert) -> None:
    """Note that an alert was dealt with, by whom and how. Raises NotFound."""
    who = tx.context.actor.user
    if not store.resolve_alert(tx.connection, command.enterprise_id, command.payment_id, who, command.comment, tx.now):
        text = f"There is no alert about payment {command.payment_id}."
        raise NotFound("DECLINE_ALERT_NOT_FOUND", text, metadata={"payment_id": str(command.payment_id)})
