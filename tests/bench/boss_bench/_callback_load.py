"""A billing with payments on their way, for the benches of callbacks: imported, billed and submitted as always."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import sqlalchemy as sa
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.events.agreements.v1 import agreements_events_pb2
from boss.events.v1 import event_pb2

from boss_bench._import_load import CLUBS, ENTERPRISE, ENTERPRISE_ID, free_address, serving, unit_id
from boss_kit.context import SYSTEM, Context
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.consumer import Consumer
from boss_kit.ids import new_id
from boss_kit.migrate import upgrade
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.rpc.convert import money_to_proto
from boss_kit.tasks import TaskRunner
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork

OWED = "59.00"
RECORDS = 500


@dataclass
class Billing:
    """The database, and the results of all its payments, which nobody has told yet."""

    node: PostgresNode
    url: str
    results: Sequence[pb.PaymentResult]

    def requests(self, size: int) -> list[pb.ReportPaymentResultsRequest]:
        """Put the results into calls of one size."""
        return [
            pb.ReportPaymentResultsRequest(parent=ENTERPRISE, results=self.results[start : start + size])
            for start in range(0, len(self.results), size)
        ]

    def count(self, query: str) -> int:
        """Count something in the database."""
        with psycopg.connect(self.node.url("billing")) as connection:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0


@contextmanager
def billing_with_payments(payments: int) -> Iterator[Billing]:
    """Lend a billing with so many payments pending at the simulator."""
    node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
    node.start()
    try:
        with psycopg.connect(node.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE billing")
        url = sqlalchemy_url(node.url("billing"))
        engine = open_database(url, pool_size=4)
        service = importlib.import_module("boss_billing.app").SERVICE
        upgrade(engine, service.migrations)
        units = UnitOfWork(engine, service.name, service.encode)
        _make_club(units)
        _import(units, payments)
        _settle(node)
        results = _bill(units)
        _settle(node)
        engine.dispose()
        yield Billing(node, url, results)
    finally:
        node.stop()


@contextmanager
def callback_door(url: str) -> Iterator[tuple[BossChannel, int]]:
    """Lend a channel to billing's API in a process of its own, and the process's id."""
    with TemporaryDirectory() as folder:
        keys = TokenMaker(Path(folder))
        addresses = {name: free_address() for name in ("agreements", "billing")}
        with serving("billing", url, keys, addresses) as process_id:
            token = keys.token()
            channel = BossChannel(open_channel(addresses["billing"]), "billing", lambda _: token, wait_for_ready=True)
            yield channel, process_id
            channel.close()


def _settle(node: PostgresNode) -> None:
    """Vacuum and analyse, as a database that has been running for a while has done by itself."""
    with psycopg.connect(node.url("billing"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def _make_club(units: UnitOfWork) -> None:
    fact = agreements_events_pb2.BusinessUnitChanged(
        business_unit=f"{ENTERPRISE}/businessUnits/{unit_id(CLUBS[0])}",
        display_name=CLUBS[0],
        time_zone="America/Denver",
        currency="USD",
    )
    kind = importlib.import_module("boss_billing.events").UNIT_CHANGED
    event = event_pb2.Event(id=str(new_id()), source="agreements", type=kind, subject=fact.business_unit, version=1)
    event.enterprise, event.key, event.data = str(ENTERPRISE_ID), str(unit_id(CLUBS[0])), fact.SerializeToString()
    day = datetime.now(UTC).date()
    event.business_date.year, event.business_date.month, event.business_date.day = day.year, day.month, day.day
    batch = event_pb2.EventBatch(events=[event], producer="agreements")
    Consumer(units, importlib.import_module("boss_billing.subscriptions").SUBSCRIPTIONS).process(
        batch.SerializeToString()
    )


def _import(units: UnitOfWork, payments: int) -> None:
    """Import accounts that owe something."""
    imports = importlib.import_module("boss_billing.accounts.imports")
    records = importlib.import_module("boss_billing.accounts.records")
    taking = imports.Import(ENTERPRISE_ID, validate_only=False)
    for start in range(0, payments, RECORDS):
        page = [
            records.AccountRecord(
                record=number,
                external_id=f"B{number:07}",
                business_unit=CLUBS[0],
                tender=("VISA", "MC", "DISC", "AMEX")[number % 4],
                token=f"tok_{number:016x}",
                last4=f"{number % 10000:04}",
                exp_month="12",
                exp_year="2039",
                primary_source="yes",
                past_due_balance=OWED,
                oldest_due_date="2025-12-14",
            )
            for number in range(start, min(start + RECORDS, payments))
        ]
        with units.begin(_context()) as tx:
            taking.take(tx, page, {})


def _bill(units: UnitOfWork) -> Sequence[pb.PaymentResult]:
    """Collect what is owed, submit it to the simulator, and give what it will say."""
    adapters = importlib.import_module("boss_billing.adapters.simulator")
    batches = importlib.import_module("boss_billing.batches.process")
    runs = importlib.import_module("boss_billing.runs.commands")
    pages = importlib.import_module("boss_billing.runs.pages")
    processes = importlib.import_module("boss_billing.runs.process")
    rules = importlib.import_module("boss_billing.runs.rules")
    day = datetime.now(UTC).date()
    with units.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": day})
    simulator = adapters.Simulator(units.engine, "bench", {"A01": "Approved"})
    with units.begin(_context(day)) as tx:
        runs.start_run(
            tx, runs.StartBillRun(rules.Scope(rules.ScopeKind.ENTERPRISE, ENTERPRISE_ID, ENTERPRISE_ID), day)
        )
    run = processes.RunProcesses(units, _NothingDue())
    runner = TaskRunner(
        units.engine,
        {
            runs.PLAN_TASK: run.plan,
            runs.SHARD_TASK: run.bill,
            pages.COLLECT_TASK: run.collect,
            "submit-batch": batches.BatchProcesses(units, simulator).submit,
        },
    )
    while runner.run_one():
        pass
    return [_message(one) for one in simulator.outstanding_results(ENTERPRISE_ID, "Original", 10**9)]


class _NothingDue:
    """Stands in for agreements, of which nothing is due."""

    def close_bill_dates(self, _enterprise_id: Any, unit_ids: Sequence[Any], *_: Any) -> Sequence[int]:
        return [0 for _ in unit_ids]

    def pages(self, *_: Any) -> Iterator[Any]:
        return iter(())


def _message(one: Any) -> pb.PaymentResult:
    return pb.PaymentResult(
        result_id=one.callback_id,
        attempt_id=one.attempt_id,
        transaction_id=one.transaction_id,
        code=one.code,
        message=one.message,
        amount=money_to_proto(one.amount),
    )


def _context(day: date | None = None) -> Context:
    return Context(enterprise_id=ENTERPRISE_ID, actor=SYSTEM, correlation="bench", business_date=day)
