"""Each of the four reports over a million payments, through the real API; the limit is a bare scan of the payments.

First while nothing is rolled up, then rolled up, as they are a minute after the last change. Beside them `aging` of the
whole enterprise and `ledger check`, the proof that `check --ledger` gives; their limit is a bare scan of the transfers.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc, report_service_pb2_grpc
from boss.billing.v1 import report_service_pb2 as pb
from psycopg import sql

from boss_bench._import_load import free_address, serving
from boss_bench._report_load import ENTERPRISE_ID, FIRST, LAST, load
from boss_bench.result import Result, p99_ms, peak_rss_mb_of
from boss_billing.app import SERVICE
from boss_billing.ledger.queries import check_ledger
from boss_billing.reports import commands
from boss_kit.context import SYSTEM, Context
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.migrate import upgrade
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.rpc.convert import date_to_proto
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork

PAYMENTS = int(os.environ.get("BOSS_BENCH_PAYMENTS", "1000000"))
ROUNDS = 5
NOT_ROLLED_UP = ", not rolled up"
LOAD_TIMEOUT_S = 600
PARENT = f"enterprises/{ENTERPRISE_ID}"
ADDRESSES = ("agreements", "billing")


@dataclass(frozen=True)
class ReportResult(Result):
    """A figure of one report, with the seconds it took."""

    report: str = ""
    seconds: float = 0.0


def run() -> Iterator[Result]:
    """Give how long each report takes, all of its pages read."""
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        url = _make_database(node)
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in ADDRESSES}
        process = stack.enter_context(serving("billing", sqlalchemy_url(url), keys, addresses))
        token = keys.token()
        channel = BossChannel(open_channel(addresses["billing"]), "billing", lambda _: token, wait_for_ready=True)
        stack.callback(channel.close)
        units = stack.enter_context(_units(url))
        reads = {
            "payment": _reports(report_service_pb2_grpc.ReportServiceStub(channel)),
            "transfer": _books(ledger_service_pb2_grpc.LedgerServiceStub(channel), units),
        }
        limits_s = {table: _scan_s(url, table) for table in reads}
        for suffix in (NOT_ROLLED_UP, ""):
            if not suffix:
                _roll_up(url, units)
            for table, limit_s in limits_s.items():
                for name, read in reads[table].items():
                    yield _measured(name + suffix, read, limit_s, process)


def _measured(name: str, read: Callable[[], None], limit_s: float, process: int) -> Result:
    times_s = [_time_s(read) for _ in range(ROUNDS)]
    seconds = sorted(times_s)[ROUNDS // 2]
    per_s, limit_per_s = PAYMENTS / seconds, PAYMENTS / limit_s
    figures = (PAYMENTS, per_s, limit_per_s, per_s / limit_per_s, p99_ms(times_s), peak_rss_mb_of(process))
    return ReportResult("reports", *figures, report=name, seconds=seconds)


def _make_database(node: PostgresNode) -> str:
    with psycopg.connect(node.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE billing")
    url = node.url("billing")
    engine = open_database(sqlalchemy_url(url), pool_size=1, statement_timeout_s=LOAD_TIMEOUT_S)
    upgrade(engine, SERVICE.migrations)
    load(url, PAYMENTS)
    engine.dispose()
    return url


@contextmanager
def _units(url: str) -> Iterator[UnitOfWork]:
    engine = open_database(sqlalchemy_url(url), pool_size=1, statement_timeout_s=LOAD_TIMEOUT_S)
    yield UnitOfWork(engine, SERVICE.name, SERVICE.encode)
    engine.dispose()


def _roll_up(url: str, units: UnitOfWork) -> None:
    more = True
    while more:
        with units.begin(Context(actor=SYSTEM)) as tx:
            more = commands.roll_up(tx) > 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _reports(stub: Any) -> dict[str, Callable[[], None]]:
    asked: dict[str, Any] = {
        "parent": PARENT,
        "filter": pb.ReportFilter(start_date=date_to_proto(FIRST), end_date=date_to_proto(LAST)),
    }
    paged: dict[str, Any] = {**asked, "page_size": 2000}
    return {
        "submitted": lambda: stub.GetSubmittedReport(pb.GetSubmittedReportRequest(**asked)),
        "results": lambda: stub.GetResultsReport(pb.GetResultsReportRequest(**asked)),
        "batches": lambda: _all_pages(
            stub.GetPaymentBatchesReport, pb.GetPaymentBatchesReportRequest(detail=True, **paged)
        ),
        "reconciliation": lambda: _all_pages(stub.GetReconciliationReport, pb.GetReconciliationReportRequest(**paged)),
    }


def _books(stub: Any, units: UnitOfWork) -> dict[str, Callable[[], None]]:
    def check() -> None:
        with units.read(Context(actor=SYSTEM)) as tx:
            problems = check_ledger(tx, ENTERPRISE_ID).problems
        if problems:
            raise AssertionError(f"the books don't balance: {problems[0]}")

    return {
        "aging": lambda: stub.GetAging(ledger_pb.GetAgingRequest(parent=PARENT, as_of_date=date_to_proto(LAST))),
        "ledger check": check,
    }


def _all_pages(method: Any, request: Any) -> None:
    while True:
        page = method(request)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _time_s(read: Callable[[], None]) -> float:
    began = time.perf_counter()
    read()
    return time.perf_counter() - began


def _scan_s(url: str, table: str) -> float:
    """Time the least that reading every row of a table takes."""
    with psycopg.connect(url) as connection:

        def scan() -> None:
            connection.execute(sql.SQL("SELECT sum(amount_minor) FROM {}").format(sql.Identifier(table)))

        return min(_time_s(scan) for _ in range(ROUNDS))
