"""When billing does what by itself."""

from boss_kit.jobs import Job, by_request, daily, every_s

CARD_UPDATER = Job("card-updater", daily("06:00"), "card-updater")
ASK_PROCESSOR = Job("ask-processor", every_s(60), "ask-processor")
APPLY_CALLBACKS = Job("apply-callbacks", every_s(60), "apply-callbacks")
ROLL_UP_REPORTS = Job("roll-up-reports", every_s(60), "roll-up-reports")
SANDBOX_ANSWERS = Job("sandbox-answers", by_request(), "sandbox-answers")
"""A processor that answers within the day: results, then what the card updater is asked, then what it knows."""
SANDBOX_RESULTS = Job("sandbox-results", by_request(), "sandbox-results")
SANDBOX_UPDATES = Job("sandbox-updates", by_request(), "sandbox-updates")
SANDBOX_RETRY_RESULTS = Job("sandbox-retry-results", by_request(), "sandbox-retry-results")
READ_PROCESSOR_FILES = Job("read-processor-files", every_s(60), "read-processor-files")

JOBS = (CARD_UPDATER, ASK_PROCESSOR, APPLY_CALLBACKS, ROLL_UP_REPORTS)
SANDBOX_JOBS = (SANDBOX_ANSWERS, SANDBOX_RESULTS, SANDBOX_UPDATES, SANDBOX_RETRY_RESULTS)
FILE_JOBS = (READ_PROCESSOR_FILES,)
