"""What notifications does by the clock. The same names are asked for by hand and by drivers of a test clock."""

from boss_kit.jobs import Job, by_request, daily, every_s

JOBS = (
    Job("dispatch", daily("09:00"), "dispatch"),
    Job("dispatch-held", every_s(300), "dispatch-held"),
)
SANDBOX_JOBS = (Job("sandbox-responses", by_request(), "sandbox-responses"),)
