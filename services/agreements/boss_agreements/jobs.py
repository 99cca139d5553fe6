"""Which process runs when."""

from boss_kit.jobs import Job, daily

SUSPENSIONS = "suspensions"

JOBS = (Job(SUSPENSIONS, daily("03:00"), SUSPENSIONS),)
