"""A `run` process of billing that starts a bill run, does its tasks to the end, and prints what it took."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
RUNNERS = 2
"""One waits for the database while the other computes."""


def main(enterprise: str) -> None:
    """Bill everybody of an enterprise who is due today."""
    settings = BillingSettings.from_environ(os.environ)
    running = run(settings)
    rest_from_collecting()
    engine = open_database(settings.database_url, pool_size=3)
    began, began_cpu_s = time.perf_counter(), time.process_time()
    _start(UnitOfWork(engine, SERVICE.name, SERVICE.encode), UUID(enterprise))
    with ThreadPoolExecutor(RUNNERS) as pool:
        done = pool.map(lambda runner: _do_tasks(runner, engine), [running.runner() for _ in range(RUNNERS)])
        tasks_s = [task_s for mine in done for task_s in mine]
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu_s
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT state, (SELECT min(error) FROM task WHERE error <> '') FROM bill_run"))
        state, failed = row.one()
    if state != "submitted" or failed:
        raise AssertionError(f"the run is {state}: {failed}")
    report = {"seconds": seconds, "cpu_s": cpu_s, "tasks_s": tasks_s, "peak_rss_mb": peak_rss_mb()}
    sys.stdout.write(json.dumps(report))


def start(database_url: str, enterprise_id: UUID) -> None:
    """Ask for a run of today for a whole enterprise."""
    engine = open_database(database_url, pool_size=1)
    _start(UnitOfWork(engine, SERVICE.name, SERVICE.encode), enterprise_id)
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


def _start(units: UnitOfWork, enterprise_id: UUID) -> None:
    scope = Scope(ScopeKind.ENTERPRISE, enterprise_id, enterprise_id)
    context = Context(enterprise_id=enterprise_id, actor=Actor(user="bench"), correlation="bench")
    with units.begin(context) as tx:
        today = min(tx.today(unit.time_zone) for unit in units_of(tx.connection, enterprise_id).values())
        start_run(tx, StartBillRun(scope, today))


if __name__ == "__main__":
    main(sys.argv[1])
