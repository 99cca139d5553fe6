"""Check reasons of requests before they are saved."""

from boss_agreements.request_reasons.rules import RequestReason, saved_request_reason
from boss_kit.unit_of_work import Transaction


def check_request_reason(tx: Transaction, reason: RequestReason) -> RequestReason:
    """Give a reason as it is kept. Raises InvalidArgument."""
    return saved_request_reason(reason)
