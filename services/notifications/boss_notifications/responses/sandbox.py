"""What the sandbox's providers answer: every row of the table, as often as in life, the same for the same seed."""

import hashlib
from collections.abc import Sequence
from datetime import date

from boss_notifications.responses.rules import ResponseRule, ResponseTable

WEIGHT_DEFAULT = 2
SILENCE = {"Email": 30, "Phone": 30, "Letter": 0}
"""How many in a thousand or so are never answered."""

# Rows that aren't named weigh WEIGHT_DEFAULT: they happen, seldom.
WEIGHTS = {
    ("Email", "Delivered"): 640,
    ("Email", "Opened"): 160,
    ("Email", "Clicked"): 90,
    ("Email", "Bounce"): 30,
    ("Phone", "Answering Machine"): 350,
    ("Phone", "Human Answer"): 250,
    ("Phone", "No Answer"): 220,
    ("Phone", "Busy"): 70,
    ("Phone", "Operator Intercept"): 25,
}


def play(
    table: ResponseTable,
    seed: str,
    account_number: str,
    channel: str,
    send_date: date,
    business_date: date,
    attempt: int,
) -> ResponseRule | None:
    """Choose the row a notification is answered with; None is silence."""
    rules = table.of_channel(channel)
    natural_key = (seed, account_number, channel, send_date.isoformat(), business_date.isoformat(), str(attempt))
    return _choose(rules, SILENCE.get(channel, 0), _draw(natural_key))


def _choose(rules: Sequence[ResponseRule], silence: int, drawn: int) -> ResponseRule | None:
    weights = [WEIGHTS.get((rule.channel, rule.response), WEIGHT_DEFAULT) for rule in rules]
    at = drawn % (sum(weights) + silence)
    for rule, weight in zip(rules, weights, strict=True):
        if at < weight:
            return rule
        at -= weight
    return None


def _draw(natural_key: Sequence[str]) -> int:
    return int.from_bytes(hashlib.sha256("/".join(natural_key).encode()).digest()[:8], "big")
