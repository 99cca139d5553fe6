"""The command line of a service: `serve | work --index i --of n | run | migrate | check`.

    # boss_billing/__main__.py
    from boss_kit.process import main
    raise SystemExit(main("boss_billing.app"))

Nothing of gRPC is imported here: `work` makes sockets green before it imports anything else.
"""

import argparse
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from boss_kit.settings import EXIT_CODE_CONFIGURATION, SettingsError, StartError, describe

log = logging.getLogger(__name__)

EXIT_CODE_FAILED = 1


def main(
    app: str | ModuleType, arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None
) -> int:
    """Run one command; give the exit code.

    `app` is the service's `app` module or its name. It has `SERVICE`, `serve(settings)`, `work(settings, index, of)`
    and `run(settings)`, and may have `republish(settings, noun)`, which tells how many facts it published, and
    `problems(settings)`, which lists what only the service itself can say of its settings.
    """
    environ = os.environ if environ is None else environ
    options = _parser().parse_args(arguments)
    if options.command == "work" and environ.get("AMQP_URL"):
        _make_green()
    module = importlib.import_module(app) if isinstance(app, str) else app
    service = module.SERVICE
    if options.command == "check" and options.settings:
        sys.stdout.write(describe(service.settings) + "\n")
        return 0
    try:
        settings = service.settings.from_environ(environ)
    except SettingsError as error:
        sys.stderr.write("".join(f"boss_{service.name}: {problem}\n" for problem in error.problems))
        return EXIT_CODE_CONFIGURATION
    return _run(module, settings, options)


def _run(module: ModuleType, settings: Any, options: argparse.Namespace) -> int:
    from boss_kit import logs, telemetry

    service = module.SERVICE
    logs.set_up(service.name, settings.log_level, options.command)
    telemetry.set_up(service.name, settings.otlp_endpoint)
    try:
        return _COMMANDS[options.command](module, settings, options)
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            log.exception("the process ends")
        else:
            _log_reason(reason)
        sys.stderr.write(f"boss_{service.name} {options.command}: {reason or error}\n")
        return EXIT_CODE_FAILED


def _log_reason(reason: str) -> None:
    """Log without a trace through the code, which would only hide what is to be mended outside of it."""
    log.error("the process ends", extra={"reason": reason})


def _reason(error: Exception) -> str | None:
    """Say what an operator has to mend; None for what is a fault of ours."""
    from boss_kit.database import why_not_connected
    from boss_kit.errors import Transient
    from boss_kit.migrate import SchemaTooOldError

    if isinstance(error, StartError | SchemaTooOldError):
        return str(error)
    if isinstance(error, Transient) and error.reason == "KEYS_UNAVAILABLE":
        return f"BOSS_JWKS: no keys can be read: {error.__cause__}"
    return why_not_connected(error)


def _make_green() -> None:
    """Let eventlet replace sockets and threads before anything uses them."""
    with warnings.catch_warnings():
        # It says of itself, to whoever starts a worker, that it is old.
        warnings.simplefilter("ignore")
        eventlet = importlib.import_module("eventlet")
    eventlet.monkey_patch()


def _serve(module: ModuleType, settings: Any, _options: argparse.Namespace) -> int:
    return _until_told(module.serve(settings))


def _work(module: ModuleType, settings: Any, options: argparse.Namespace) -> int:
    if not 0 <= options.index < options.of:
        raise StartError(f"--index is {options.index}: it must lie between 0 and {options.of - 1}, one below --of.")
    working = module.work(settings, options.index, options.of)
    if not settings.amqp_url:
        return _until_told(working)
    working.run_worker()
    return 0


def _run_tasks(module: ModuleType, settings: Any, options: argparse.Namespace) -> int:
    if not options.republish:
        return _until_told(module.run(settings))
    republish = getattr(module, "republish", None)
    if republish is None:
        raise StartError("this service has nothing to publish again")
    log.info("published again", extra={"noun": options.republish, "facts": republish(settings, options.republish)})
    return 0


def _migrate(module: ModuleType, settings: Any, _options: argparse.Namespace) -> int:
    from boss_kit.migrate import current, upgrade

    house = module.SERVICE.open(settings, pool_size=1)
    try:
        upgrade(house.engine, module.SERVICE.migrations)
        log.info("the schema is up to date", extra={"migration": current(house.engine)})
    finally:
        house.close()
    return 0


def _check(module: ModuleType, settings: Any, _options: argparse.Namespace) -> int:
    from boss_kit.checks import check

    own = getattr(module, "problems", None)
    problems = [*check(module.SERVICE, settings), *(own(settings) if own else ())]
    for problem in problems:
        sys.stdout.write(f"{problem}\n")
    if not problems:
        sys.stdout.write("all is well\n")
    return EXIT_CODE_FAILED if problems else 0


_COMMANDS = {"serve": _serve, "work": _work, "run": _run_tasks, "migrate": _migrate, "check": _check}


def rest_from_collecting() -> None:
    """Take what start-up made, which stays to the end, out of the garbage collector's rounds: each would look at it."""
    gc.collect()
    gc.freeze()
    # A page of a bulk path makes tens of thousands of objects, none in a cycle: a round per 700 would cost it a tenth.
    gc.set_threshold(50_000, 20, 50)


def _until_told(running: Any) -> int:
    """Start, wait for SIGTERM or SIGINT, stop."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    try:
        running.start()
        rest_from_collecting()
        log.info("started")
        told.wait()
        log.info("stopping")
    finally:
        running.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run one process of a BOSS service.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="answer calls, and webhooks where there are any")
    work = commands.add_parser("work", help="consume events")
    work.add_argument("--index", type=int, default=0, help="which of the workers this one is, from 0")
    work.add_argument("--of", type=int, default=1, help="how many workers there are")
    run = commands.add_parser("run", help="publish events, keep the schedule, do tasks")
    run.add_argument("--republish", metavar="NOUN", help="publish the state of all of a noun again, then end")
    commands.add_parser("migrate", help="bring the database to this version's schema")
    check = commands.add_parser("check", help="check settings and connections")
    check.add_argument("--settings", action="store_true", help="only print the table of settings")
    return parser
