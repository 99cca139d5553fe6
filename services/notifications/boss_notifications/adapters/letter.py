"""The letter itself: a PDF by Typst, for a window envelope."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Literal

import typst

from boss_notifications.adapters.port import Message


class LetterPress:
    """Prints letters with one reused compiler, which keeps fonts and the parsed layout."""

    def __init__(self) -> None:
        layout = Path(str(files("boss_notifications").joinpath("adapters/letter.typ")))
        # The same letter must look the same everywhere: only the fonts that come with the compiler.
        self._compiler = typst.Compiler(str(layout), root=str(layout.parent), ignore_system_fonts=True)

    def pdf(self, message: Message) -> bytes:
        """Print one letter; the same letter is the same bytes."""
        return self._compile(message, "pdf")

    def png(self, message: Message, ppi: float = 110) -> bytes:
        """Draw the letter's first page, to look at."""
        return self._compile(message, "png", ppi)

    def _compile(self, message: Message, form: Literal["pdf", "png"], ppi: float | None = None) -> bytes:
        inputs = {"letter": json.dumps(letter_of(message), ensure_ascii=False)}
        timestamp = int(message.time.timestamp())
        made = self._compiler.compile(format=form, ppi=ppi, sys_inputs=inputs, timestamp=timestamp, pdf_tags=False)
        page = made[0] if isinstance(made, list) else made
        assert page is not None, "without an output file the compiler gives the bytes"
        return bytes(page)


def letter_of(message: Message) -> dict[str, object]:
    """Lay out what a letter says."""
    intent, sender = message.intent, message.intent.sender
    club = sender.display_name or "Your club"
    return_lines = [line for line in sender.return_address_lines if line.strip() and line != club]
    recipient = [intent.recipient_name, *intent.address_lines]
    paragraphs = [block.strip("\n").split("\n") for block in message.body.replace("\r\n", "\n").strip().split("\n\n")]
    return {
        "club": club,
        "return_lines": return_lines,
        "recipient_lines": [line for line in recipient if line.strip()],
        "date": message.send_date_text,
        "subject": message.subject,
        "paragraphs": [lines for lines in paragraphs if any(line.strip() for line in lines)],
        "caller_number": sender.caller_number,
        "reply_to": sender.reply_to_address,
        "footer": "  ·  ".join([club, *return_lines]),
    }
