"""A processor that works with files, in a folder or on an SFTP server: each appears whole, by a rename.

`requests/` is the processor's to take from, `responses/` and `updates/` are where it answers, under the request's name,
and `returns/` is for what comes back of a unit's payments, under any name; so are updates that nobody asked for.
`sent/` keeps what was asked, `done/` what was taken, `refused/` what wasn't, each with an `.error` that names the line.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from boss_billing.adapters import file_format
from boss_billing.adapters.places import Files, Place, PlaceAwayError, UnclearError
from boss_billing.adapters.port import NoAnswerError, Repeatability
from boss_billing.batches.rules import Submission
from boss_billing.callbacks.rules import ResultCallback
from boss_billing.funding.rules import SubmittedInquiry
from boss_billing.refunds.rules import SubmittedRefunds
from boss_kit.ids import derived_id

REQUESTS, SENT, TAKEN, DONE, REFUSED = "requests", "sent", "requests/taken", "done", "refused"
RESPONSES, UPDATES, RETURNS = "responses", "updates", "returns"
ANSWERED = tuple(f"{kept}/{place}" for kept in (DONE, REFUSED) for place in (RESPONSES, UPDATES, RETURNS))
FOLDERS = (REQUESTS, TAKEN, SENT, RESPONSES, UPDATES, RETURNS, *ANSWERED)
KNOWN_PLACES = (REQUESTS, TAKEN, RESPONSES, f"{DONE}/{RESPONSES}", f"{REFUSED}/{RESPONSES}")
"""Where a request shows that the processor has it, or may take it."""


class FileProcessor:
    """Writes requests. A processor that moves what it takes to `requests/taken/` can be asked, any other one can't."""

    def __init__(self, place: Place, *, keeps_taken: bool) -> None:
        self._place = place
        self._keeps_taken = keeps_taken

    @property
    def repeatability(self) -> Repeatability:
        """Say what may be done about a request nobody knows of: nothing, where taken files leave no trace."""
        return Repeatability.QUERYABLE if self._keeps_taken else Repeatability.NEITHER

    @property
    def may_repeat(self) -> bool:
        """Tell whether refunds nobody knows about may be sent once more: where lost ones can be told."""
        return self._keeps_taken

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        """Write a request file; its results come in a file of the same name."""
        if submission.attempts:
            name = file_format.request_name(submission, submission.attempts[0].business_date)
            with self._place.open() as files:
                _send(files, name, file_format.write_requests(submission))
        return ()

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        """Tell whether the request file of a batch is there, taken or answered."""
        start, end = f"pay_{enterprise_id}_", f"_{key}.txt"
        with self._place.open() as files:
            return any(
                name.startswith(start) and name.endswith(end) for place in KNOWN_PLACES for name in files.names(place)
            )

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        """Give nothing: a file can't be asked, its answer is read when it comes."""
        return ()

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Sequence[SubmittedInquiry]) -> None:
        """Write questions to the card updater; the same ones again are the same file."""
        if not inquiries:
            return
        key = derived_id(enterprise_id, "inquiries", *sorted(str(one.inquiry_id) for one in inquiries))
        name = file_format.inquiry_name(enterprise_id, business_date, key)
        with self._place.open() as files:
            if files.see(f"{SENT}/{name}") is None:
                _send(files, name, file_format.write_inquiries(inquiries))

    def refund_together(self, submission: SubmittedRefunds) -> None:
        """Write a request file with a credit for each; their answers come in a file of the same name.

        Raises NoAnswerError for one that may have been written before, where taken files leave no trace.
        """
        name = file_format.refunds_name(submission)
        with self._place.open() as files:
            if submission.may_be_there:
                if any(files.see(f"{place}/{name}") is not None for place in KNOWN_PLACES):
                    return
                if not self._keeps_taken and files.see(f"{SENT}/{name}") is not None:
                    raise NoAnswerError("this processor can't be asked, and nothing is sent to it twice")
            _send(files, name, file_format.write_refunds(submission))


def prepare(files: Files) -> None:
    """Make the folders both sides work with."""
    for folder in FOLDERS:
        files.make(folder)


def _send(files: Files, name: str, text: str) -> None:
    """Keep a request and let the processor have it. Raises NoAnswerError when nobody knows whether it does."""
    prepare(files)
    try:
        files.write(f"{SENT}/{name}", text.encode())
    except UnclearError as error:
        # The copy alone tells the processor nothing.
        raise PlaceAwayError(error) from error
    try:
        files.write(f"{REQUESTS}/{name}", text.encode())
    except UnclearError as error:
        raise NoAnswerError(str(error)) from error
