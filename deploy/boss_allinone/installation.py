"""The embedded installation: database, mail catcher and five services, started and stopped together."""

import importlib
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Self

import psycopg

from boss_allinone.places import Places
from boss_cli.clients import Clients
from boss_kit import logs
from boss_kit.migrate import upgrade
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import LOCALHOST, free_port
from boss_kit.process import rest_from_collecting
from boss_mail_catcher import MailCatcher
from boss_stack.keys import make, operator_token
from boss_stack.layout import HTTP_SERVICES, SERVICES

POOL_SIZES = {"BOSS_POOL_SERVE": "6", "BOSS_POOL_WORK": "2", "BOSS_POOL_RUN": "4"}
# An embedded installation's data end with it, so a commit needn't wait for the disk; one log for all five databases
# keeps them consistent with each other even so.
DATABASE_SETTINGS = {"max_connections": "150", "shared_buffers": "128MB", "jit": "off", "synchronous_commit": "off"}
LOG_FILE = "boss.log"


class AllInOne:
    """Five services in this process; use it in a `with`.

    `environ` adds to or overrides the environment the services read. With the test clock on, time is driven by hand.
    """

    def __init__(
        self, folder: Path, *, seed: int = 1, test_clock: bool = True, environ: Mapping[str, str] | None = None
    ) -> None:
        self.places = Places(folder)
        self._environ = {
            "BOSS_SANDBOX_SEED": str(seed),
            "BOSS_TEST_CLOCK": "on" if test_clock else "off",
            **(environ or {}),
        }
        self._closing = ExitStack()
        self.addresses = {service: f"{LOCALHOST}:{free_port()}" for service in SERVICES}
        self.clients: Clients

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def database_url(self, service: str) -> str:
        """Give the address of a service's database."""
        return self._node.url(f"boss_{service}")

    def _start(self) -> None:
        self.places.wipe()
        self.places.make()
        make(self.places.keys)
        log = self._closing.enter_context((self.places.folder / LOG_FILE).open("w", encoding="utf-8"))
        self._closing.callback(_log_as_before())
        logs.set_up("boss", "INFO", "all-in-one", stream=log)
        self._node = PostgresNode(self.places.postgres, settings=DATABASE_SETTINGS, throw_away=True)
        self._node.start()
        self._closing.callback(self._node.stop)
        self._create_databases()
        self._catcher = MailCatcher(self.places.messages)
        self._catcher.start()
        self._closing.callback(self._catcher.stop)
        modules = {service: importlib.import_module(f"boss_{service}.app") for service in SERVICES}
        for service in SERVICES:
            self._migrate(service, modules[service])
        for service in SERVICES:
            self._start_service(service, modules[service])
        token = operator_token(self.places.keys)
        self.clients = Clients(self.addresses, lambda _: token)
        self._closing.callback(self.clients.close)
        rest_from_collecting()

    def _create_databases(self) -> None:
        with psycopg.connect(self._node.url(), autocommit=True) as connection:
            for service in SERVICES:
                connection.execute(f'CREATE DATABASE "boss_{service}"')

    def _migrate(self, service: str, module: ModuleType) -> None:
        house = module.SERVICE.open(self._settings(service, module), pool_size=1)
        upgrade(house.engine, module.SERVICE.migrations)
        house.close()

    def _start_service(self, service: str, module: ModuleType) -> None:
        settings = self._settings(service, module)
        for part in (module.serve(settings), module.work(settings, 0, 1), module.run(settings)):
            part.start()
            self._closing.callback(part.stop)

    def _settings(self, service: str, module: ModuleType) -> object:
        return module.SERVICE.settings.from_environ(self._environment(service))

    def _environment(self, service: str) -> dict[str, str]:
        found = {
            "DATABASE_URL": self.database_url(service),
            "BOSS_GRPC_ADDRESS": self.addresses[service],
            "BOSS_JWKS": str(self.places.keys / "jwks.json"),
            "BOSS_SERVICE_KEY": str(self.places.keys / f"{service}.pem"),
            "BOSS_SANDBOX_FOLDER": str(self.places.messages),
            "BOSS_SMTP_ADDRESS": self._catcher.smtp_address,
            "BOSS_SMTP_QUERY_URL": self._catcher.query_url,
            **{f"BOSS_{other.upper()}_ADDRESS": address for other, address in self.addresses.items()},
            "BOSS_LOCAL_BUS_URLS": " ".join(f"{one}={self.database_url(one)}" for one in SERVICES),
            **POOL_SIZES,
            **self._environ,
        }
        if service in HTTP_SERVICES:
            found.setdefault("BOSS_HTTP_ADDRESS", f"{LOCALHOST}:0")
        return found


def _log_as_before() -> Callable[[], None]:
    """Give what leads this process's log lines back to where they go now: the installation's file closes with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def restore() -> None:
        root.handlers[:] = handlers
        root.setLevel(level)

    return restore
