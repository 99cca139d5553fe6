"""Agreements and billing on one database server, with their APIs, as benches use them."""

import importlib
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from boss.agreements.v1 import member_service_pb2_grpc, organization_service_pb2, organization_service_pb2_grpc
from boss.billing.v1 import account_service_pb2_grpc
from boss.events.v1 import event_pb2
from psycopg import sql

from boss_bench._import_load import CLUBS, ENTERPRISE, ENTERPRISE_ID, account_messages, member_messages
from boss_kit import schema
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.batch import read_events, stored_piece
from boss_kit.events.consumer import Consumer
from boss_kit.migrate import upgrade
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork

IMPORTED = 1
COPIES = 5
SERVICES = ("agreements", "billing")


def make_database(node: PostgresNode, service: str) -> str:
    with psycopg.connect(node.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(service)))
    url = sqlalchemy_url(node.url(service))
    engine = open_database(url, pool_size=1)
    upgrade(engine, app(service).SERVICE.migrations)
    engine.dispose()
    return url


def make_channel(stack: ExitStack, service: str, address: str, keys: TokenMaker) -> BossChannel:
    token = keys.token()
    channel = BossChannel(open_channel(address), service, lambda context: token, wait_for_ready=True)
    stack.callback(channel.close)
    return channel


def make_clubs(
    agreements: BossChannel,
    urls: Mapping[str, str],
    consumers: Collection[str] = ("billing",),
    clubs: Sequence[str] = CLUBS,
) -> None:
    """Make the clubs in agreements, and let others learn of them as they always do, by events."""
    organizations = organization_service_pb2_grpc.OrganizationServiceStub(agreements)
    organizations.CreateEnterprise(
        organization_service_pb2.CreateEnterpriseRequest(
            enterprise_id=str(ENTERPRISE_ID),
            enterprise=organization_service_pb2.Enterprise(display_name="Bench"),
            request_id=str(uuid4()),
        )
    )
    for club in clubs:
        unit = organization_service_pb2.BusinessUnit(
            external_id=club, display_name=club, time_zone="America/Denver", currency="USD"
        )
        organizations.CreateBusinessUnit(
            organization_service_pb2.CreateBusinessUnitRequest(
                parent=ENTERPRISE, business_unit=unit, request_id=str(uuid4())
            )
        )
    for event in _taken_from_outbox(urls["agreements"]):
        for service in consumers:
            _consume(service, urls[service], event)


def _taken_from_outbox(url: str) -> Sequence[event_pb2.Event]:
    engine = open_database(url, pool_size=1)
    with engine.begin() as connection:
        taken = sa.delete(schema.outbox).returning(schema.outbox.c.events, schema.outbox.c.body)
        pieces = [stored_piece(*row) for row in connection.execute(taken)]
    engine.dispose()
    return read_events(piece.body for piece in pieces)


def _consume(service: str, url: str, event: event_pb2.Event) -> None:
    engine = open_database(url, pool_size=1)
    subscriptions = importlib.import_module(f"boss_{service}.subscriptions").SUBSCRIPTIONS
    units = UnitOfWork(engine, service, app(service).SERVICE.encode)
    batch = event_pb2.EventBatch(events=[event], producer="agreements")
    Consumer(units, subscriptions).process(batch.SerializeToString())
    engine.dispose()


def import_club(
    channels: Mapping[str, BossChannel], first: int, records: int, schedule: str = "", clubs: Sequence[str] = CLUBS
) -> list[float]:
    """Stream both halves at the same time; give the time between answers. A schedule is everybody's."""
    members = member_service_pb2_grpc.MemberServiceStub(channels["agreements"])
    accounts = account_service_pb2_grpc.AccountServiceStub(channels["billing"])
    messages = [
        (members.ImportMembers, list(member_messages(first, records, schedule, clubs))),
        (accounts.ImportAccounts, list(account_messages(first, records, owes=not schedule, clubs=clubs))),
    ]
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


def copy_again_s(url: str, tables: Collection[str]) -> float:
    """Copy the rows into tables of the same shape, with the same indexes; tell how long it takes, the median of some.

    It takes a third of a second at 10,000 members, and a busy host makes one such measurement half as long again.
    """
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        rows = {name: _rows(connection, name) for name in tables}
        return median(_copy_s(connection, rows) for _ in range(COPIES))


def _copy_s(connection: "psycopg.Connection[Any]", rows: Mapping[str, bytes]) -> float:
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
    seconds = time.perf_counter() - start
    for name in rows:
        connection.execute(_statement("DROP TABLE {}", f"again_{name}"))
    connection.commit()
    return seconds


def _rows(connection: "psycopg.Connection[Any]", table: str) -> bytes:
    with connection.cursor().copy(_statement("COPY {} TO STDOUT (FORMAT BINARY)", table)) as copy:
        return b"".join(bytes(part) for part in copy)


def _statement(text: Any, table: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table))


def app(service: str) -> Any:
    return importlib.import_module(f"boss_{service}.app")


def peak_rss_mb_of(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
