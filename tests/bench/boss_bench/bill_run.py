"""A bill run as a `run` process does it, for 10,000 and 100,000 members, against a raw COPY of the rows it writes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from boss_bench._import_load import ENTERPRISE_ID, environ_of, free_address, serving
from boss_bench._two_services import SERVICES, copy_again_s, import_club, make_channel, make_clubs, make_database
from boss_bench.result import Result, p99_ms
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.testing.tokens import TokenMaker

MEMBERS = tuple(int(text) for text in os.environ.get("BOSS_BENCH_MEMBERS", "10000,100000").split(","))
CLUB_ZONE = "America/Denver"
ROWS_OF_A_RUN = ("invoice", "invoice_line", "transfer", "payment", "attempt", "batch", "outbox", "sandbox_attempt")


def run() -> Iterator[Result]:
    """Give how many members a second are billed: due charges to batches submitted and events in the outbox."""
    for members in MEMBERS:
        yield _bill(members)


def _bill(members: int) -> Result:
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        urls = {service: make_database(node, service) for service in SERVICES}
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in SERVICES}
        for service in SERVICES:
            stack.enter_context(serving(service, urls[service], keys, addresses))
        channels = {service: make_channel(stack, service, addresses[service], keys) for service in SERVICES}
        make_clubs(channels["agreements"], urls)
        today = datetime.now(UTC).astimezone().date()
        import_club(channels, 1, members, schedule=f"monthly_on_{today.day}")
        settle(urls)
        child = [sys.executable, "-W", "ignore", "-m", "boss_bench._bill_run_child", str(ENTERPRISE_ID)]
        environ = environ_of("billing", urls["billing"], keys, addresses)
        report = json.loads(subprocess.run(child, env=environ, check=True, stdout=subprocess.PIPE).stdout)

        _check(urls["billing"], members)
        limit_per_s = members / copy_again_s(urls["billing"], ROWS_OF_A_RUN)
    per_s = members / report["seconds"]
    tasks_s: Sequence[float] = report["tasks_s"]
    return Result("bill_run", members, per_s, limit_per_s, per_s / limit_per_s, p99_ms(tasks_s), report["peak_rss_mb"])


def settle(urls: dict[str, str]) -> None:
    """Begin as a database that has run for a while: what the import left is vacuumed, analysed and told."""
    for url in urls.values():
        with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
            connection.execute("TRUNCATE outbox")
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def _check(url: str, members: int) -> None:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'pending'), "
            "(SELECT count(*) FROM batch WHERE state = 'submitted') FROM payment"
        ).fetchone()
    if row is None or row[:2] != (members, members) or row[2] < members / 1000:
        raise AssertionError(f"of {members} members these were billed: {row}")
