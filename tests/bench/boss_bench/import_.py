"""The import of a club through gRPC into both services at once, against a raw COPY of the rows it leaves behind."""

import importlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from boss.agreements.v1 import member_service_pb2_grpc, organization_service_pb2, organization_service_pb2_grpc
from boss.billing.v1 import account_service_pb2_grpc
from boss.events.v1 import event_pb2
from psycopg import sql

from boss_bench._import_load import (
    CLUBS,
    ENTERPRISE,
    ENTERPRISE_ID,
    account_messages,
    free_address,
    member_messages,
    serving,
)
from boss_bench.result import Result, p99_ms
from boss_kit import schema
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.consumer import Consumer
from boss_kit.migrate import upgrade
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork

RECORDS = int(os.environ.get("BOSS_BENCH_RECORDS", "20000"))
WARM_UP_RECORDS = 1000
IMPORTED = 1
SERVICES = ("agreements", "billing")
# Not the rows of records: what the kit keeps of its own.
OWN_TABLES = ("alembic_version", "request", "inbox", "processed_events", "seen_version", "business_unit", "enterprise")


def run() -> Iterator[Result]:
    """Give how many records a second both services take together."""
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        urls = {service: _make_database(node, service) for service in SERVICES}
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in SERVICES}
        processes = [stack.enter_context(serving(service, urls[service], keys, addresses)) for service in SERVICES]
        channels = {service: _channel(stack, service, addresses[service], keys) for service in SERVICES}
        _make_clubs(channels["agreements"], urls)
        _import(channels, 1, WARM_UP_RECORDS)
        start = time.perf_counter()
        waits_s = _import(channels, WARM_UP_RECORDS + 1, RECORDS)
        per_s = RECORDS / (time.perf_counter() - start)
        peak_rss_mb = max(_peak_rss_mb(process) for process in processes)
        limit_per_s = (RECORDS + WARM_UP_RECORDS) / sum(_copy_again_s(url) for url in urls.values())
    yield Result("import", RECORDS, per_s, limit_per_s, per_s / limit_per_s, p99_ms(waits_s), peak_rss_mb)


def _make_database(node: PostgresNode, service: str) -> str:
    with psycopg.connect(node.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(service)))
    url = sqlalchemy_url(node.url(service))
    engine = open_database(url, pool_size=1)
    upgrade(engine, _app(service).SERVICE.migrations)
    engine.dispose()
    return url


def _channel(stack: ExitStack, service: str, address: str, keys: TokenMaker) -> BossChannel:
    token = keys.token()
    channel = BossChannel(open_channel(address), service, lambda context: token, wait_for_ready=True)
    stack.callback(channel.close)
    return channel


def _make_clubs(agreements: BossChannel, urls: Mapping[str, str]) -> None:
    """Make the clubs in agreements, and let billing learn of them as it always does, by events."""
    organizations = organization_service_pb2_grpc.OrganizationServiceStub(agreements)
    organizations.CreateEnterprise(
        organization_service_pb2.CreateEnterpriseRequest(
            enterprise_id=str(ENTERPRISE_ID),
            enterprise=organization_service_pb2.Enterprise(display_name="Bench"),
            request_id=str(uuid4()),
        )
    )
    for club in CLUBS:
        unit = organization_service_pb2.BusinessUnit(
            external_id=club, display_name=club, time_zone="America/Denver", currency="USD"
        )
        organizations.CreateBusinessUnit(
            organization_service_pb2.CreateBusinessUnitRequest(
                parent=ENTERPRISE, business_unit=unit, request_id=str(uuid4())
            )
        )
    for event in _taken_from_outbox(urls["agreements"]):
        _consume(urls["billing"], event)


def _taken_from_outbox(url: str) -> Sequence[event_pb2.Event]:
    engine = open_database(url, pool_size=1)
    with engine.begin() as connection:
        rows = connection.execute(sa.delete(schema.outbox).returning(schema.outbox.c.body)).all()
    engine.dispose()
    return [event_pb2.Event.FromString(row.body) for row in rows]


def _consume(url: str, event: event_pb2.Event) -> None:
    engine = open_database(url, pool_size=1)
    subscriptions = importlib.import_module("boss_billing.subscriptions").SUBSCRIPTIONS
    units = UnitOfWork(engine, "billing", _app("billing").SERVICE.encode)
    batch = event_pb2.EventBatch(events=[event], producer="agreements")
    Consumer(units, subscriptions).process(batch.SerializeToString())
    engine.dispose()


def _import(channels: Mapping[str, BossChannel], first: int, records: int) -> list[float]:
    """Stream both halves at the same time; give the time between answers."""
    members = member_service_pb2_grpc.MemberServiceStub(channels["agreements"])
    accounts = account_service_pb2_grpc.AccountServiceStub(channels["billing"])
    streams = ((members.ImportMembers, member_messages), (accounts.ImportAccounts, account_messages))
    messages = [(method, list(make(first, records))) for method, make in streams]
    with ThreadPoolExecutor(len(messages)) as pool:
        waits_s = pool.map(lambda one: _stream(*one), messages)
        return [wait_s for waits in waits_s for wait_s in waits]


def _stream(method: Any, messages: Sequence[Any]) -> list[float]:
    waits_s, before = [], time.perf_counter()
    for answer in method(iter(messages)):
        for result in answer.results:
            if result.outcome != IMPORTED:
                raise AssertionError(f"record {result.record} is refused: {result.reason}")
        now = time.perf_counter()
        waits_s.append(now - before)
        before = now
    return waits_s


def _copy_again_s(url: str) -> float:
    """Copy the rows into tables of the same shape, with the same indexes; tell how long it took."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = {name: _rows(connection, name) for (name,) in tables if name not in OWN_TABLES}
        for name in rows:
            connection.execute(
                sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(*map(sql.Identifier, (f"again_{name}", name)))
            )
        connection.commit()
        start = time.perf_counter()
        for name, content in rows.items():
            with connection.cursor().copy(_statement("COPY {} FROM STDIN (FORMAT BINARY)", f"again_{name}")) as copy:
                copy.write(content)
        connection.commit()
        return time.perf_counter() - start


def _rows(connection: "psycopg.Connection[Any]", table: str) -> bytes:
    with connection.cursor().copy(_statement("COPY {} TO STDOUT (FORMAT BINARY)", table)) as copy:
        return b"".join(bytes(part) for part in copy)


def _statement(text: Any, table: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table))


def _app(service: str) -> Any:
    return importlib.import_module(f"boss_{service}.app")


def _peak_rss_mb(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
