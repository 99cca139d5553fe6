"""A task process of the tests that is killed while it works: `task_main.py DATABASE_URL`."""

import os
import signal
import sys

from boss_kit.database import open_database
from boss_kit.tasks import Task, TaskRunner


def die(task: Task) -> None:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    TaskRunner(open_database(sys.argv[1], pool_size=1), {"look": die}).run_one()
