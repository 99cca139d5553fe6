"""The response table: what a provider's word means for the activity and the contact (SPEC ARM-9)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

ANY_CHANNEL = "Any"
UNKNOWN_MESSAGE = "UNKNOWN_MESSAGE"
UNKNOWN_RESPONSE = "UNKNOWN_RESPONSE"
# Addresses are only ever invalidated by hand (SPEC ARM-9).
CONVERSATION = ("phone", "human answer", "")
INVALIDATING_CHANNELS = frozenset({"Email", "Phone"})


@dataclass(frozen=True)
class ResponseRule:
    """A row of the table. `response_detail` is empty where the row means any detail."""

    number: int
    channel: str
    response: str
    response_detail: str
    include_in_activity: bool
    completed: bool
    status: str
    retry: bool
    show_in_ui: bool
    mark_invalid: bool
    description: str


@dataclass(frozen=True)
class ResponseTable:
    """All rows of an enterprise, by channel, response and detail."""

    rules: tuple[ResponseRule, ...]

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, str, str], ResponseRule]:
        return {_key(rule.channel, rule.response, rule.response_detail): rule for rule in self.rules}

    def match(self, channel: str, response: str, response_detail: str) -> ResponseRule | None:
        """Find a response's row, the one with its very detail first; a row without detail takes any (SPEC ARM-9)."""
        exact = self._by_key.get(_key(channel, response, response_detail))
        return exact or self._by_key.get(_key(channel, response, ""))

    def of_channel(self, channel: str) -> tuple[ResponseRule, ...]:
        """Give the rows of a channel in the table's order."""
        return tuple(rule for rule in self.rules if rule.channel == channel)


def table_of(rules: Iterable[ResponseRule]) -> ResponseTable:
    """Put rows in the table's order."""
    return ResponseTable(tuple(sorted(rules, key=lambda rule: rule.number)))


def marks_invalid(rule: ResponseRule, channel: str, contact: str) -> bool:
    """Tell whether the contact's Invalid flag is to be set; never for addresses, or without a contact (SPEC ARM-9)."""
    return rule.mark_invalid and channel in INVALIDATING_CHANNELS and bool(contact)


def is_conversation(rule: ResponseRule) -> bool:
    """Tell whether the member was spoken to: then calls about this debt pause (SPEC NOT-4)."""
    return _key(rule.channel, rule.response, "") == CONVERSATION


def _key(channel: str, response: str, detail: str) -> tuple[str, str, str]:
    return _plain(channel), _plain(response), _plain(detail)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
