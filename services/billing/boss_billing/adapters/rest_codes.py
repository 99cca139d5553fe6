"""What a REST processor calls its answers, in the words of our decline table. Pure."""

from collections.abc import Mapping
from typing import Any

CODES: Mapping[str, str] = {
    "approved": "A01",
    "approved_credit": "A02",
    "accepted": "A03",
    "partially_approved": "A05",
    "do_not_honor": "D01",
    "generic_decline": "D01",
    "invalid_expiry": "D02",
    "insufficient_funds": "D03",
    "pick_up_card": "D04",
    "incorrect_number": "D05",
    "no_account": "D06",
    "incorrect_pin": "D07",
    "incorrect_cvc": "D08",
    "duplicate_transaction": "D09",
    "lost_card": "D10",
    "stolen_card": "D11",
    "service_not_allowed": "D12",
    "revocation_of_authorization": "D13",
    "limit_exceeded": "D15",
    "expired_card": "D16",
    "reenter_transaction": "D17",
    "invalid_amount": "D18",
    "processing_error": "E02",
    "validation_failed": "E03",
}
SUCCEEDED, DECLINED = "succeeded", "declined"
FINAL = (SUCCEEDED, DECLINED)
UNMAPPED_DECLINE, APPROVED = "D19", "A01"


def code_of(payment: Mapping[str, Any]) -> str:
    """Give our code for a payment that is decided; a decline in words we don't know is an unmapped one."""
    word = str(payment.get("code", ""))
    if payment["status"] == SUCCEEDED:
        found = CODES.get(word, APPROVED)
        return found if found.startswith("A") else APPROVED
    found = CODES.get(word, UNMAPPED_DECLINE)
    return UNMAPPED_DECLINE if found.startswith("A") else found
