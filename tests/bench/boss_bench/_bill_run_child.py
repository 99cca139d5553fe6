"""A `run` process of billing that waits for a line, does a bill run's tasks to the end, and prints what they took."""

import json
import os
import sys
import time
from uuid import UUID

import sqlalchemy as sa

from boss_bench.result import peak_rss_mb
from boss_billing.app import SERVICE, run
from boss_billing.runs.commands import StartBillRun, start_run
from boss_billing.runs.rules import Scope, ScopeKind
from boss_billing.settings import BillingSettings
from boss_billing.units.store import units_of
from boss_kit.context import Actor, Context
from boss_kit.database import open_database
from boss_kit.process import rest_from_collecting
from boss_kit.tasks import TaskRunner
from boss_kit.unit_of_work import UnitOfWork

POLL_S = 0.02


def main() -> None:
    """Say that all is ready; from the next line of input on do what there is to do, and report it as a line of JSON."""
    settings = BillingSettings.from_environ(os.environ)
    running = run(settings)
    rest_from_collecting()
    engine = open_database(settings.database_url, pool_size=1)
    _say("ready")
    sys.stdin.readline()
    began_cpu_s = time.process_time()
    tasks_s = _do_tasks(running.runner(), engine)
    cpu_s = time.process_time() - began_cpu_s
    _say(json.dumps({"cpu_s": cpu_s, "tasks_s": tasks_s, "peak_rss_mb": peak_rss_mb()}))


def start(database_url: str, enterprise_id: UUID) -> None:
    """Ask for a run of today for a whole enterprise."""
    engine = open_database(database_url, pool_size=1)
    scope = Scope(ScopeKind.ENTERPRISE, enterprise_id, enterprise_id)
    context = Context(enterprise_id=enterprise_id, actor=Actor(user="bench"), correlation="bench")
    with UnitOfWork(engine, SERVICE.name, SERVICE.encode).begin(context) as tx:
        today = min(tx.today(unit.time_zone) for unit in units_of(tx.connection, enterprise_id).values())
        start_run(tx, StartBillRun(scope, today))
    engine.dispose()


def _do_tasks(runner: TaskRunner, engine: sa.Engine) -> list[float]:
    """Do tasks until the run is done; tell how long each took."""
    tasks_s: list[float] = []
    while True:
        start = time.perf_counter()
        if runner.run_one():
            tasks_s.append(time.perf_counter() - start)
            continue
        with engine.connect() as connection:
            if connection.scalar(sa.text("SELECT state FROM bill_run")) != "billing":
                return tasks_s
        time.sleep(POLL_S)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
