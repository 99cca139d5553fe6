"""The sandbox's refunds: whatever is asked for goes back at once; the same key again gets the same answer."""

from boss_billing.refunds.rules import RefundAnswer, SubmittedRefund


class SandboxRefunds:
    """Stands in for the processor's refunds."""

    may_repeat = True

    def refund(self, refund: SubmittedRefund) -> RefundAnswer:
        """Approve a refund."""
        return RefundAnswer("A02", "Approved (credit)", f"sandbox-{refund.key}")
