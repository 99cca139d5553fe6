"""What a notification's life reads like."""

KINDS = {"Email": "email", "Phone": "phone", "Letter": "letter"}
_NOUNS = {"Email": "Email", "Phone": "Call", "Letter": "Letter"}
_SENT = {"Email": "sent to", "Phone": "placed to", "Letter": "sent to"}


def sent_text(channel: str, template: str, recipient: str, attempt: int) -> str:
    """Say that it went out."""
    again = f", retry {attempt}" if attempt else ""
    return f"{_what(channel, template)} was {_SENT[channel]} {recipient or 'the member'}{again}."


def response_text(channel: str, template: str, description: str) -> str:
    """Say what became of it, in the response table's words."""
    return f"{_what(channel, template)}: {description.rstrip('.')}."


def denied_text(channel: str, template: str, description: str) -> str:
    """Say that it did not go out, and why."""
    return f"{_what(channel, template)} did not go out: {description.rstrip('.')}."


def held_text(channel: str, template: str, until: str) -> str:
    """Say that it waits."""
    return f"{_what(channel, template)} waits for contact hours until {until}."


def unknown_text(channel: str, template: str) -> str:
    """Say that nobody knows."""
    return f"{_what(channel, template)} may or may not have gone out; it is not sent again, a person has to look."


def _what(channel: str, template: str) -> str:
    return f"{_NOUNS[channel]} “{template}”" if template else _NOUNS[channel]
