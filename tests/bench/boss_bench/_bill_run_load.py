"""A club whose members are all due today, on a database that has been running for a while."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import psycopg
import sqlalchemy as sa

from boss_bench._import_load import CLUBS, free_address, serving
from boss_bench._two_services import SERVICES, import_club, make_channel, make_clubs, make_database
from boss_kit.database import open_database
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.testing.tokens import TokenMaker

CLUB_ZONE = "America/Denver"
WARM_UP_MEMBERS = 50


@dataclass(frozen=True)
class Furnished:
    """Where everything is."""

    urls: Mapping[str, str]
    keys: TokenMaker
    addresses: Mapping[str, str]


def warm_up_clubs(count: int) -> Sequence[str]:
    """Name small clubs that are billed before the measurement."""
    return [f"Bench Warm-up {number}" for number in range(count)]


def furnish(stack: ExitStack, members: int, others: Sequence[str] = (), warm_ups: Sequence[str] = ()) -> Furnished:
    """Import the clubs into agreements and billing, which go on serving; `others` have their database only."""
    node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
    stack.callback(node.stop)
    node.start()
    urls = {service: make_database(node, service) for service in (*SERVICES, *others)}
    keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
    addresses = {service: free_address() for service in urls}
    for service in SERVICES:
        stack.enter_context(serving(service, urls[service], keys, addresses))
    channels = {service: make_channel(stack, service, addresses[service], keys) for service in SERVICES}
    make_clubs(channels["agreements"], urls, ("billing", *others), (*CLUBS, *warm_ups))
    schedule = f"monthly_on_{datetime.now(ZoneInfo(CLUB_ZONE)).day}"
    import_club(channels, 1, members, schedule)
    for place, club in enumerate(warm_ups):
        import_club(channels, members + 1 + place * WARM_UP_MEMBERS, WARM_UP_MEMBERS, schedule, [club])
    for url in urls.values():
        _settle(url)
    return Furnished(urls, keys, addresses)


def connected(stack: ExitStack, url: str) -> sa.Engine:
    """Open a database whose connection is there already, as a server's is."""
    engine = open_database(url, pool_size=1)
    stack.callback(engine.dispose)
    engine.connect().close()
    return engine


def _settle(url: str) -> None:
    """Vacuum and analyse what the import left, and let it be told."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("TRUNCATE outbox")
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
