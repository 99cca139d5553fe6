"""What a local decision or a refusal means for a notification and its response table row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from boss_notifications.contact_rules.rules import Rule

PAGE = 500
"""How many due notifications one transaction decides about."""

SETTLE_AFTER_S = 30
"""How long a lost sender may still be at work: its window and its slowest call (DESIGN 6)."""
SEND_WINDOW_S = 10.0
"""No message is begun later than this after its notification was put into sending."""

DEFER = timedelta(hours=1)
"""How long a message rests that the provider asked to bring again later."""

NOT_RELEASED = "NOT_RELEASED"
TEMPLATE_MISSING = "TEMPLATE_MISSING"
PLACEHOLDER_MISSING = "PLACEHOLDER_MISSING"
PROVIDER_DEFERRED = "PROVIDER_DEFERRED"
PROVIDER_REFUSED = "PROVIDER_REFUSED"
UNKNOWN_FATE = "UNKNOWN_WHETHER_SENT"


@dataclass(frozen=True)
class Denial:
    """Why a notification doesn't go out: the rule, a sentence, and the provider's word that stands for it."""

    rule: str
    reason: str
    response: str = ""
    response_detail: str = ""


# SPEC NOT-4: a local denial shows as its row of the table, as if the provider had said so.
DENIALS: Mapping[Rule, Denial] = {
    Rule.BLANK_NUMBER: Denial(
        Rule.BLANK_NUMBER, "The member has no telephone number.", "Blank Number", "Phone number field blank"
    ),
    Rule.INVALID_NUMBER: Denial(
        Rule.INVALID_NUMBER,
        "The number can't be one: it has the wrong number of digits.",
        "Invalid Number",
        "Incorrect number of digits in phone number",
    ),
    Rule.DO_NOT_CALL: Denial(
        Rule.DO_NOT_CALL,
        "The member is on the do-not-call list.",
        "On Do Not Call List",
        "Phone number on account Do Not Call List",
    ),
    Rule.ALREADY_CALLED_TODAY: Denial(
        Rule.ALREADY_CALLED_TODAY,
        "The number was already called today.",
        "Duplicate number",
        "Phone number repeated on list",
    ),
    Rule.INVALID_EMAIL_ADDRESS: Denial(
        Rule.INVALID_EMAIL_ADDRESS, "The member has no email address that could be one.", "Dropped", "Invalid"
    ),
    Rule.UNSUBSCRIBED: Denial(
        Rule.UNSUBSCRIBED, "The member has unsubscribed from email.", "Dropped", "Unsubscribed Address"
    ),
    Rule.CALL_ATTEMPTS: Denial(
        Rule.CALL_ATTEMPTS, "As many calls about this debt as the rules allow in the window were already made."
    ),
    Rule.AFTER_CONVERSATION: Denial(
        Rule.AFTER_CONVERSATION, "The member was spoken to about this debt a few days ago; the rules ask for a pause."
    ),
    Rule.NO_POSTAL_ADDRESS: Denial(Rule.NO_POSTAL_ADDRESS, "The member has no postal address."),
}


def denial(rule: Rule) -> Denial:
    """Give what a deciding rule means."""
    return DENIALS[rule]
