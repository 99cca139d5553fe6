"""A `run` process of the tests: does tasks on a database until it is killed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from club import MESSAGES, Due, Wire, due, scripted

from boss_billing.adapters.simulator import Simulator
from boss_billing.batches.process import BatchProcesses
from boss_billing.batches.rules import SUBMIT_TASK
from boss_billing.events import encode
from boss_billing.runs import commands as runs
from boss_billing.runs.pages import COLLECT_TASK
from boss_billing.runs.process import RunProcesses
from boss_kit.database import open_database
from boss_kit.tasks import TaskRunner
from boss_kit.unit_of_work import UnitOfWork

url, members = sys.argv[1], int(sys.argv[2])
engine = open_database(url, pool_size=4)
units = UnitOfWork(engine, "billing", encode, test_clock=True)
bill_runs = RunProcesses(units, Due(charges=[due(f"M{number}") for number in range(members)]))
batches = BatchProcesses(units, Wire(Simulator(engine, "1", MESSAGES, scripted({}))))
runner = TaskRunner(
    engine,
    {
        runs.PLAN_TASK: bill_runs.plan,
        runs.SHARD_TASK: bill_runs.bill,
        COLLECT_TASK: bill_runs.collect,
        SUBMIT_TASK: batches.submit,
    },
)
sys.stdout.write("ready\n")
sys.stdout.flush()
while runner.run_one():
    pass
sys.stdin.read()
