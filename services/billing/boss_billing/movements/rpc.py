"""What every door that moves money asks of an approver."""

from boss_kit.errors import PermissionDenied
from boss_kit.rpc.door import Door
from boss_kit.rpc.roles import SERVICE

APPROVE = "billing.movements.approve"


def require_fit_approver(door: Door) -> None:
    """Refuse an approver who may not approve movements of money; a service vouches for its own.

    Raises PermissionDenied.
    """
    context = door.context()
    if context.actor.approver is None or SERVICE in context.roles or door.approver_may(APPROVE):
        return
    raise PermissionDenied(
        "APPROVER_NOT_ALLOWED",
        f"{context.actor.approver.user} may not approve movements of money; ask somebody who holds {APPROVE}.",
        metadata={"permission": APPROVE},
    )
