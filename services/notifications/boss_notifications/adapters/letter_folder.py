"""Letters as PDF files in a folder that a print shop picks up; idempotent by file name (SPEC NOT-2)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from boss_notifications.adapters.files import write_whole
from boss_notifications.adapters.letter import LetterPress
from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message
from boss_notifications.templates.rules import LETTER

BATCH = 100


class LetterFolder:
    """Prints letters into a folder."""

    name = "letter-folder"
    channel = LETTER
    certainty = Certainty.IDEMPOTENT
    batch_size = BATCH

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._press: LetterPress | None = None

    def message_id(self, intent_id: UUID) -> str:
        """Name the message by its notification: the file's name."""
        return f"{intent_id}.pdf"

    @contextmanager
    def open(self) -> "Iterator[LetterFolder]":
        """Warm the press up."""
        self._press = self._press or LetterPress()
        yield self

    def send(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """Print each letter; printed again it is the same file."""
        assert self._press is not None, "open it first"
        for message in messages:
            try:
                write_whole(self._folder / message.message_id, self._press.pdf(message))
            except OSError as error:
                yield Delivery(message.intent.id, Fate.NOT_TAKEN, reason=f"the letter folder can't be written: {error}")
            else:
                yield Delivery(message.intent.id, Fate.TAKEN)

    def was_taken(self, message_id: str) -> bool:
        """Tell whether the letter is there."""
        return (self._folder / message_id).exists()
