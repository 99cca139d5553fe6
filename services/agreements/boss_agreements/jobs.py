"""Which process runs when."""

from boss_kit.jobs import Job, daily

SUSPENSIONS = "suspensions"
CANCELLATIONS = "cancellations"

JOBS = (
    Job(SUSPENSIONS, daily("03:00"), SUSPENSIONS),
    Job(CANCELLATIONS, daily("03:30"), CANCELLATIONS),
)
