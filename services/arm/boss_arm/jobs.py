"""What arm does by the clock. The same names are asked for by hand and by drivers of a test clock."""

from boss_kit.jobs import Job, daily

JOBS = (
    Job("daily-run", daily("06:00"), "daily-run"),
    Job("hand-over", daily("20:00"), "hand-over"),
)
