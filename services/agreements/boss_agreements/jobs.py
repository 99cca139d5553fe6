"""Which process runs when."""

from boss_kit.jobs import Job, daily, every_s

SUSPENSIONS = "suspensions"
CANCELLATIONS = "cancellations"
FINISH_SALES = "finish-sales"

JOBS = (
    Job(SUSPENSIONS, daily("03:00"), SUSPENSIONS),
    Job(CANCELLATIONS, daily("03:30"), CANCELLATIONS),
    Job(FINISH_SALES, every_s(60), FINISH_SALES),
)
