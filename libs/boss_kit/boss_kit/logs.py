"""Structured logs: one JSON object a line, with the correlation id, without personal data or card numbers."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from boss_kit.cards import redact
from boss_kit.rpc.calls import current_context

DROPPED_KEYS = frozenset(
    {
        *("first_name", "last_name", "name", "display_name", "birth_date", "recipient", "recipient_name", "actor"),
        *("email", "phone", "home_phone", "work_phone", "cell_phone", "caller_number", "contact", "contact_value"),
        *("address", "address_lines", "postal_code", "token", "secret", "password", "authorization", "body"),
    }
)
# What the database adds to an error quotes the row.
_QUOTES_ROW = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
_ADDRESS_SECRET = re.compile(r"(://[^:/@\s]+):[^@/\s]+@")

EventDict = MutableMapping[str, Any]


def set_up(service: str, level: str = "INFO", process: str = "", stream: TextIO | None = None) -> None:
    """Send every log line of the process to a stream, by default standard error, as JSON."""

    def add_place(_logger: object, _name: str, event: EventDict) -> EventDict:
        event["service"] = service
        if process:
            event["process"] = process
        return event

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        add_place,
        add_correlation,
        without_personal_data,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("pika", "amqp", "kombu", "nameko", "httpx", "urllib3", "uvicorn.access", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Of a migration only its steps are news.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)


def add_correlation(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Say which story a line belongs to."""
    context = current_context()
    if context is not None:
        if context.correlation:
            event.setdefault("correlation", context.correlation)
        if context.enterprise_id is not None:
            event.setdefault("enterprise", str(context.enterprise_id))
    return event


def without_personal_data(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Drop keys that hold people's data, and redact what looks like a card number or a password."""
    for key in DROPPED_KEYS.intersection(event):
        event[key] = "[dropped]"
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _clean(value)
        elif not isinstance(value, int | float | bool | None):
            event[key] = _clean(str(value))
    return event


def _clean(text: str) -> str:
    return redact(_ADDRESS_SECRET.sub(r"\1:***@", _QUOTES_ROW.sub(r"\1: [dropped]", text)))
