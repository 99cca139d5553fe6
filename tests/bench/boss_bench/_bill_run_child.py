"""A `run` process of billing that bills a small club, waits for a line, bills the others, and prints what that took.

An installation's processes have long been at work when a club's members are due: connected, all code read, statements
prepared.
"""

import json
import os
import sys
import time

import sqlalchemy as sa

from boss_bench._import_load import ENTERPRISE_ID, unit_id
from boss_bench.result import peak_rss_mb
from boss_billing.app import SERVICE, run
from boss_billing.runs.commands import StartBillRun, start_run
from boss_billing.runs.rules import Scope, ScopeKind
from boss_billing.settings import BillingSettings
from boss_billing.units.store import units_of
from boss_kit.context import Actor, Context
from boss_kit.database import open_database
from boss_kit.process import rest_from_collecting
from boss_kit.tasks import TaskRunner, Waker, listen
from boss_kit.unit_of_work import UnitOfWork

POLL_S = 0.02
"""How often a process that has nothing to do looks whether the run is over, which nobody is notified of."""


def main() -> None:
    """Bill the club that is named, say that all is ready; from the next line of input on do what there is to do."""
    settings = BillingSettings.from_environ(os.environ)
    running = run(settings)
    rest_from_collecting()
    engine = open_database(settings.database_url, pool_size=1)
    waker = listen(settings.database_url, timeout_s=POLL_S)
    start(engine, Scope(ScopeKind.UNIT, ENTERPRISE_ID, unit_id(sys.argv[1])))
    _do_tasks(running.runner(), engine, waker)
    _say("ready")
    sys.stdin.readline()
    began_cpu_s = time.process_time()
    tasks_s = _do_tasks(running.runner(), engine, waker)
    cpu_s = time.process_time() - began_cpu_s
    _say(json.dumps({"cpu_s": cpu_s, "tasks_s": tasks_s, "peak_rss_mb": peak_rss_mb()}))


def start_all(engine: sa.Engine) -> None:
    """Ask for a run of today for the whole enterprise."""
    start(engine, Scope(ScopeKind.ENTERPRISE, ENTERPRISE_ID, ENTERPRISE_ID))


def start(engine: sa.Engine, scope: Scope) -> None:
    """Ask for a run of today."""
    context = Context(enterprise_id=scope.enterprise_id, actor=Actor(user="bench"), correlation="bench")
    with UnitOfWork(engine, SERVICE.name, SERVICE.encode).begin(context) as tx:
        today = min(tx.today(unit.time_zone) for unit in units_of(tx.connection, scope.enterprise_id).values())
        start_run(tx, StartBillRun(scope, today))


def _do_tasks(runner: TaskRunner, engine: sa.Engine, waker: Waker) -> list[float]:
    """Do tasks until the run is done; tell how long each took."""
    tasks_s: list[float] = []
    while True:
        start = time.perf_counter()
        if runner.run_one():
            tasks_s.append(time.perf_counter() - start)
            continue
        with engine.connect() as connection:
            if not connection.scalar(sa.text("SELECT EXISTS (SELECT FROM bill_run WHERE state = 'billing')")):
                return tasks_s
        waker()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
