"""Looks at everything a process needs, and says what is wrong with it."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from boss_kit.database import why_not_connected
from boss_kit.errors import BossError, Unauthenticated
from boss_kit.migrate import SchemaTooOldError
from boss_kit.service import Service
from boss_kit.settings import Settings, StartError

CONNECT_TIMEOUT_S = 3
AMQP_PORT = 5672
POSTGRESQL_MIN = 160000


def check(service: Service[Any], settings: Settings) -> list[str]:
    """List what is wrong with the database, the keys, the broker and the peers."""
    return [*_database(service, settings), *_keys(service, settings), *_broker(settings), *_peers(settings)]


def _database(service: Service[Any], settings: Settings) -> Iterator[str]:
    house = service.open(settings, pool_size=1)
    try:
        with house.engine.connect() as connection:
            version = int(connection.scalar(sa.text("SHOW server_version_num")) or 0)
        if version < POSTGRESQL_MIN:
            yield f"DATABASE_URL: the server is PostgreSQL {version // 10000}, 16 or newer is needed."
        house.require_schema()
    except sa.exc.SQLAlchemyError as error:
        yield why_not_connected(error) or f"DATABASE_URL: {str(error).splitlines()[0]}"
    except SchemaTooOldError as error:
        yield f"DATABASE_URL: {error}"
    finally:
        house.close()


def _keys(service: Service[Any], settings: Settings) -> Iterator[str]:
    from boss_kit.rpc.auth import KeySet, Verifier

    house = service.open(settings, pool_size=1)
    try:
        keys = KeySet(settings.jwks)
        keys.load()
        Verifier(service.name, keys).verify(house.signer().token(service.name))
    except StartError as error:
        yield str(error)
    except Unauthenticated as error:
        yield (
            f"BOSS_SERVICE_KEY: {settings.service_key} isn't the key that {settings.jwks} (BOSS_JWKS) "
            f"has as {service.name}: {error}"
        )
    except BossError as error:
        yield f"BOSS_JWKS: {settings.jwks} gives no keys: {error.__cause__ or error}"
    finally:
        house.close()


def _broker(settings: Settings) -> Iterator[str]:
    from boss_kit.events.rabbit import why_not_let_in

    if settings.amqp_url:
        parts = urlsplit(settings.amqp_url)
        away = list(_reach("AMQP_URL", parts.hostname or "localhost", parts.port or AMQP_PORT))
        why = None if away else why_not_let_in(settings.amqp_url, CONNECT_TIMEOUT_S)
        yield from away
        if why is not None:
            yield f"AMQP_URL: the broker doesn't let us in: {why}"


def _peers(settings: Settings) -> Iterator[str]:
    for peer in settings.peers:
        host, _, port = settings.addresses[peer].rpartition(":")
        if port.isdigit():
            yield from _reach(f"BOSS_{peer.upper()}_ADDRESS", host, int(port))


def _reach(variable: str, host: str, port: int) -> Iterator[str]:
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        yield f"{variable}: nobody answers at {host}:{port} ({error})."
