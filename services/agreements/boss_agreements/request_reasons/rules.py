"""What a reason of an exception or an adjustment is (text 003 and 004, "Exception Reasons"). Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry, check_choice
from boss_kit.errors import InvalidArgument

EXCEPTION, ADJUSTMENT = "exception", "adjustment"
USES = (EXCEPTION, ADJUSTMENT)


@dataclass(frozen=True, kw_only=True)
class RequestReason(Entry):
    """Why a request is an exception to the rules, or comes with credit."""

    use: str


def saved_request_reason(reason: RequestReason) -> RequestReason:
    """Give a reason as it is kept. Raises InvalidArgument."""
    check_choice(reason.use, USES, "request_reason.use")
    return reason


def check_listed(text: str, listed: Collection[str], field: str) -> None:
    """Refuse a reason that isn't one of those listed; where none is, any words are fine. Raises InvalidArgument."""
    if text and listed and text not in listed:
        raise InvalidArgument.field(field, f"{text[:40]!r} is not listed; use one of {', '.join(sorted(listed))}.")
