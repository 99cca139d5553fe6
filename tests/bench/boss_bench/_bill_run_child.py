"""A `run` process of billing that starts a bill run, does its tasks to the end, and prints what it took."""

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
from boss_kit.unit_of_work import UnitOfWork

PROFILE = os.environ.get("PROFILE_TO", "")


def main(enterprise: str) -> None:
    """Bill everybody of an enterprise who is due today."""
    settings = BillingSettings.from_environ(os.environ)
    runner = run(settings).runner()
    engine = open_database(settings.database_url, pool_size=1)
    tasks_s: list[float] = []
    start, began_cpu_s = time.perf_counter(), time.process_time()
    _start(UnitOfWork(engine, SERVICE.name, SERVICE.encode), UUID(enterprise))
    busy = True
    while busy:
        task_start = time.perf_counter()
        busy = runner.run_one()
        tasks_s.append(time.perf_counter() - task_start)
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - began_cpu_s
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT state, (SELECT min(error) FROM task WHERE error <> '') FROM bill_run"))
        state, failed = row.one()
    if state != "submitted" or failed:
        raise AssertionError(f"the run is {state}: {failed}")
    report = {"seconds": seconds, "cpu_s": cpu_s, "tasks_s": tasks_s, "peak_rss_mb": peak_rss_mb()}
    sys.stdout.write(json.dumps(report))


def _start(units: UnitOfWork, enterprise_id: UUID) -> None:
    scope = Scope(ScopeKind.ENTERPRISE, enterprise_id, enterprise_id)
    context = Context(enterprise_id=enterprise_id, actor=Actor(user="bench"), correlation="bench")
    with units.begin(context) as tx:
        today = min(tx.today(unit.time_zone) for unit in units_of(tx.connection, enterprise_id).values())
        start_run(tx, StartBillRun(scope, today))


if __name__ == "__main__":
    if PROFILE:
        import cProfile

        profile = cProfile.Profile()
        profile.runcall(main, sys.argv[1])
        profile.dump_stats(PROFILE)
    else:
        main(sys.argv[1])
