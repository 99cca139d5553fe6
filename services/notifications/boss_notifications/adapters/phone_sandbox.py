"""Calls that nobody hears: a record per call and the recording, in a folder; idempotent by file name (SPEC NOT-2)."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from boss_notifications.adapters.files import write_whole
from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message
from boss_notifications.contact_rules.contacts import possible_number
from boss_notifications.templates.rules import PHONE

BATCH = 200
Recordings = Callable[[UUID, UUID], bytes | None]
"""Gives the recording of (enterprise, template)."""


class PhoneSandbox:
    """Plays a telephone provider."""

    name = "phone-sandbox"
    channel = PHONE
    certainty = Certainty.IDEMPOTENT
    batch_size = BATCH

    def __init__(self, folder: Path, recordings: Recordings) -> None:
        self._folder = folder
        self._recordings = recordings

    def message_id(self, intent_id: UUID) -> str:
        """Name the call by its notification."""
        return f"{intent_id}.call"

    @contextmanager
    def open(self) -> "Iterator[PhoneSandbox]":
        """Nothing to open."""
        yield self

    def send(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """Place each call; placed again it is the same record."""
        for message in messages:
            try:
                recording = self._keep_recording(message)
                record = self._folder / f"{message.intent.id}.json"
                write_whole(record, json.dumps(_record(message, recording), indent=2, sort_keys=True).encode())
            except OSError as error:
                yield Delivery(message.intent.id, Fate.NOT_TAKEN, reason=f"the call folder can't be written: {error}")
            else:
                yield Delivery(message.intent.id, Fate.TAKEN)

    def was_taken(self, message_id: str) -> bool:
        """Tell whether the call was placed."""
        return (self._folder / message_id).with_suffix(".json").exists()

    def _keep_recording(self, message: Message) -> str:
        """Copy the recording once; give its file's name."""
        name = f"{message.template_id}.wav"
        path = self._folder / name
        if not path.exists():
            content = self._recordings(message.intent.enterprise_id, message.template_id)
            if content is None:
                return ""
            write_whole(path, content)
        return name


def _record(message: Message, recording: str) -> dict[str, str]:
    return {
        "call": str(message.intent.id),
        "number": possible_number(message.intent.contact_value),
        "caller": message.intent.sender.caller_number,
        "recipient": message.intent.recipient_name,
        "template": str(message.template_id),
        "recording": recording,
        "time": message.time.isoformat(),
    }
