"""A club whose members are all due today, on a database that has been running for a while."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import psycopg

from boss_bench._import_load import free_address, serving
from boss_bench._two_services import SERVICES, import_club, make_channel, make_clubs, make_database
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.testing.tokens import TokenMaker

CLUB_ZONE = "America/Denver"


@dataclass(frozen=True)
class Furnished:
    """Where everything is."""

    urls: Mapping[str, str]
    keys: TokenMaker
    addresses: Mapping[str, str]


def furnish(stack: ExitStack, members: int, others: Sequence[str] = ()) -> Furnished:
    """Import the club into agreements and billing, which go on serving; `others` have their database only."""
    node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
    stack.callback(node.stop)
    node.start()
    urls = {service: make_database(node, service) for service in (*SERVICES, *others)}
    keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
    addresses = {service: free_address() for service in urls}
    for service in SERVICES:
        stack.enter_context(serving(service, urls[service], keys, addresses))
    channels = {service: make_channel(stack, service, addresses[service], keys) for service in SERVICES}
    make_clubs(channels["agreements"], urls, ("billing", *others))
    today = datetime.now(ZoneInfo(CLUB_ZONE)).date()
    import_club(channels, 1, members, schedule=f"monthly_on_{today.day}")
    for url in urls.values():
        _settle(url)
    return Furnished(urls, keys, addresses)


def _settle(url: str) -> None:
    """Vacuum and analyse what the import left, and let it be told."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("TRUNCATE outbox")
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
