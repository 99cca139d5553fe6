"""Numbers for Prometheus: rate, errors and duration of calls, and what lies in outbox, tasks and parking."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from boss_kit.settings import StartError

CALLS = Counter("boss_calls_total", "Calls answered, by method and canonical code.", ["method", "code"])
CALL_SECONDS = Histogram("boss_call_seconds", "How long calls took, by method.", ["method"])
OUTGOING_CALLS = Counter("boss_outgoing_calls_total", "Calls made, by method and code.", ["method", "code"])
WEBHOOKS_REFUSED = Counter("boss_webhooks_refused_total", "Webhooks refused, by route and why.", ["route", "why"])
WEBHOOKS_TAKEN = Counter("boss_webhooks_taken_total", "Webhooks taken, by route.", ["route"])
LEADER = Gauge("boss_leader", "Whether this process leads, by what.", ["service", "what"])

_QUERY = sa.text(
    "SELECT (SELECT coalesce(sum(greatest(events, 1)), 0) FROM outbox) AS outbox,"
    " (SELECT count(*) FROM task WHERE state = 'pending') AS open_tasks,"
    " (SELECT coalesce(extract(epoch FROM now() - min(create_time)), 0)"
    "  FROM task WHERE state = 'pending') AS oldest_task_s,"
    " (SELECT count(*) FROM task WHERE state = 'failed') AS failed_tasks,"
    " (SELECT count(*) FROM parked_event) AS parked,"
    " oldest.events AS oldest_events, oldest.body AS oldest_body"
    " FROM (SELECT) AS one LEFT JOIN (SELECT events, body FROM outbox ORDER BY id LIMIT 1) AS oldest ON true"
)


class DatabaseCollector(Collector):
    """Reads the depths from the service's database when Prometheus asks."""

    def __init__(self, engine: sa.Engine, service: str) -> None:
        self._engine = engine
        self._service = service

    def describe(self) -> Iterable[Any]:
        """Promise nothing, so that registering asks no database."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read the numbers; a database that is away gives none."""
        try:
            with self._engine.connect() as connection:
                row = connection.execute(_QUERY).one()
        except sa.exc.SQLAlchemyError:
            return
        oldest_s = _age_s(row.oldest_events, row.oldest_body)
        values = {
            "boss_outbox_events": ("Events not yet published.", row.outbox),
            "boss_outbox_oldest_seconds": ("Age of the oldest event not yet published.", oldest_s),
            "boss_open_tasks": ("Tasks waiting or running.", row.open_tasks),
            "boss_oldest_task_seconds": ("Age of the oldest open task.", float(row.oldest_task_s)),
            "boss_failed_tasks": ("Tasks that gave up.", row.failed_tasks),
            "boss_parked_events": ("Events set aside.", row.parked),
        }
        for name, (text, value) in values.items():
            family = GaugeMetricFamily(name, text, labels=["service"])
            family.add_metric([self._service], value)
            yield family


def serve_metrics(address: str, engine: sa.Engine | None = None, service: str = "") -> Any:
    """Answer Prometheus on an address such as `0.0.0.0:9100`; give the function that stops it.

    Raises StartError when the address is taken.
    """
    collector = DatabaseCollector(engine, service) if engine is not None else None
    if collector is not None:
        REGISTRY.register(collector)
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), addr=host)
    except OSError as error:
        raise StartError(
            f"BOSS_METRICS_ADDRESS: can't listen on {address}: {error.strerror}; each process needs one of its own."
        ) from error

    def stop() -> None:
        if collector is not None:
            REGISTRY.unregister(collector)
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return stop


def _age_s(events: int, body: bytes | None) -> float:
    if body is None:
        return 0.0
    from datetime import UTC, datetime

    from boss_kit.events.batch import read_events, stored_piece

    oldest = read_events([stored_piece(events, bytes(body)).body])[0]
    recorded = oldest.time.ToDatetime(tzinfo=UTC)
    return max(0.0, (datetime.now(UTC) - recorded).total_seconds())
