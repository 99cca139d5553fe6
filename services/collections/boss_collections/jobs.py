"""What collections does by the clock: nothing yet; its actions will be asked for, one job each (SPEC COL-2)."""

from boss_kit.jobs import Job

JOBS: tuple[Job, ...] = ()
