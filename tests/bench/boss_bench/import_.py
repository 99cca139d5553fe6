"""The import of a club through gRPC into both services at once, against a raw COPY of the rows it leaves behind."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from boss_bench._import_load import free_address, serving
from boss_bench._two_services import (
    SERVICES,
    copy_again_s,
    import_club,
    make_channel,
    make_clubs,
    make_database,
    peak_rss_mb_of,
)
from boss_bench.result import Result, p99_ms
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.testing.tokens import TokenMaker

RECORDS = int(os.environ.get("BOSS_BENCH_RECORDS", "20000"))
WARM_UP_RECORDS = 1000
# Not the rows of records: what the kit keeps of its own.
OWN_TABLES = ("alembic_version", "request", "inbox", "processed_events", "seen_version", "business_unit", "enterprise")


def run() -> Iterator[Result]:
    """Give how many records a second both services take together."""
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        urls = {service: make_database(node, service) for service in SERVICES}
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in SERVICES}
        processes = [stack.enter_context(serving(service, urls[service], keys, addresses)) for service in SERVICES]
        channels = {service: make_channel(stack, service, addresses[service], keys) for service in SERVICES}
        make_clubs(channels["agreements"], urls)
        import_club(channels, 1, WARM_UP_RECORDS)
        start = time.perf_counter()
        waits_s = import_club(channels, WARM_UP_RECORDS + 1, RECORDS)
        per_s = RECORDS / (time.perf_counter() - start)
        peak_rss_mb = max(peak_rss_mb_of(process) for process in processes)
        limit_per_s = (RECORDS + WARM_UP_RECORDS) / sum(copy_again_s(url, _tables(url)) for url in urls.values())
    yield Result("import", RECORDS, per_s, limit_per_s, per_s / limit_per_s, p99_ms(waits_s), peak_rss_mb)


def _tables(url: str) -> Collection[str]:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in rows if name not in OWN_TABLES]
