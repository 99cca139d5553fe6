"""Logs, traces and numbers."""

import io
import json
import logging
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.events.v1 import event_pb2
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from boss_kit import logs, metrics, schema, telemetry
from boss_kit.context import Context
from boss_kit.events.batch import make_piece
from boss_kit.nodes.process import free_port
from boss_kit.rpc.calls import acting


@pytest.fixture
def lines() -> Iterator[Any]:
    root = logging.getLogger()
    handlers, level, stream = root.handlers[:], root.level, io.StringIO()
    logs.set_up("test", "INFO", "serve", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_log_line_is_json_with_place_and_story(lines: Any) -> None:
    enterprise_id = uuid4()
    with acting(Context(enterprise_id=enterprise_id, correlation="story-7")):
        logging.getLogger("x").warning("a page was billed", extra={"rows": 7})
    (line,) = lines()
    assert line["event"] == "a page was billed"
    assert (line["service"], line["process"], line["rows"], line["level"]) == ("test", "serve", 7, "warning")
    assert (line["correlation"], line["enterprise"]) == ("story-7", str(enterprise_id))


def test_a_log_line_holds_no_personal_data_and_no_card_number(lines: Any) -> None:
    log = logging.getLogger("x")
    log.info("paid with 4111 1111 1111 1111", extra={"email": "anna@example.com", "note": ["378282246310005"]})
    message = "duplicate\nDETAIL:  Key (email)=(anna@example.com) exists\nat postgresql://u:hush@h/d"
    try:
        raise ValueError(message)
    except ValueError:
        log.exception("it failed")
    text = json.dumps(lines())
    for hidden in ("1111", "3782", "anna@example.com", "hush"):
        assert hidden not in text
    assert "ValueError" in text


def test_without_an_endpoint_a_span_costs_nothing_and_the_story_goes_on() -> None:
    with telemetry.span("x") as span, acting(Context(traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")):
        assert span.traceparent == ""
        assert telemetry.current_traceparent() == "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


def test_all_2_a_span_below_a_traceparent_belongs_to_its_trace() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry.use(provider)
    try:
        parent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
        with telemetry.span("consume", kind="consumer", parent=parent) as span:
            assert span.traceparent.split("-")[1] == "1" * 32
            assert telemetry.current_traceparent() == span.traceparent
            with telemetry.span("inner"):
                pass
    finally:
        telemetry.use(None)
    inner, outer = exporter.get_finished_spans()
    assert inner.context.trace_id == outer.context.trace_id == int("1" * 32, 16)
    assert inner.parent.span_id == outer.context.span_id


def test_prometheus_reads_the_depths_of_the_database(kit_engine: sa.Engine) -> None:
    written = event_pb2.Event()
    written.time.FromDatetime(datetime.now(UTC) - timedelta(hours=1))
    oldest = make_piece([written.SerializeToString(), b""]).body
    with kit_engine.begin() as connection:
        connection.execute(sa.insert(schema.outbox).values(partition=0, events=2, body=oldest))
    address = f"127.0.0.1:{free_port()}"
    stop = metrics.serve_metrics(address, kit_engine, "test")
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    finally:
        stop()
    assert 'boss_outbox_events{service="test"} 2.0' in text
    assert re.search(r'boss_outbox_oldest_seconds{service="test"} 36\d\d\.', text)
    assert 'boss_parked_events{service="test"} 0.0' in text
