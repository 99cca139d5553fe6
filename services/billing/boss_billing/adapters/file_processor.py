"""A processor that works with files in a folder, which may be one end of SFTP: each appears whole, by a rename.

`requests/` is the processor's to take from, `responses/` and `updates/` are where it answers, under the request's name,
and `returns/` is for what comes back of a unit's payments, under any name.
`sent/` keeps what was asked, `done/` what was taken, `refused/` what wasn't, each with an `.error` that names the line.
"""

import logging
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from time import time
from typing import Any, Protocol
from uuid import UUID

from boss_billing.adapters import file_format
from boss_billing.adapters.file_format import FileRefusedError
from boss_billing.adapters.port import Repeatability
from boss_billing.batches.rules import Submission
from boss_billing.callbacks.rules import ResultCallback, ReturnCallback, UpdateCallback
from boss_billing.funding.rules import SubmittedInquiry
from boss_billing.refunds.rules import RefundAnswer, SubmittedRefund
from boss_kit.errors import Transient
from boss_kit.ids import derived_id
from boss_kit.tasks import Task

log = logging.getLogger(__name__)

SETTLE_S = 60.0
"""A file that somebody is still writing is left alone so long."""

CHUNK = 1000
BYTES_MAX = 50 * 1024 * 1024
REQUESTS, SENT, TAKEN, DONE, REFUSED = "requests", "sent", "requests/taken", "done", "refused"
RESPONSES, UPDATES, RETURNS = "responses", "updates", "returns"


class FileProcessor:
    """Writes requests. A processor that moves what it takes to `requests/taken/` can be asked, any other one can't."""

    def __init__(self, folder: Path, *, keeps_taken: bool) -> None:
        self._folder = folder
        self._keeps_taken = keeps_taken
        for name in (REQUESTS, SENT, TAKEN, RESPONSES, UPDATES, RETURNS):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @property
    def repeatability(self) -> Repeatability:
        """Say what may be done about a request nobody knows of: nothing, where taken files leave no trace."""
        return Repeatability.QUERYABLE if self._keeps_taken else Repeatability.NEITHER

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        """Write a request file; its results come in a file of the same name."""
        if submission.attempts:
            name = file_format.request_name(submission, submission.attempts[0].business_date)
            self._write(name, file_format.write_requests(submission))
        return ()

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        """Tell whether the request file of a batch is there, taken or answered."""
        places = (REQUESTS, TAKEN, RESPONSES, f"{DONE}/{RESPONSES}", f"{REFUSED}/{RESPONSES}")
        return any(any((self._folder / place).glob(f"pay_{enterprise_id}_*_{key}.txt")) for place in places)

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        """Give nothing: a file can't be asked, its answer is read when it comes."""
        return ()

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Sequence[SubmittedInquiry]) -> None:
        """Write questions to the card updater; the same ones again are the same file."""
        key = derived_id(enterprise_id, "inquiries", *sorted(str(one.inquiry_id) for one in inquiries))
        name = file_format.inquiry_name(enterprise_id, business_date, key)
        if inquiries and not (self._folder / SENT / name).exists():
            self._write(name, file_format.write_inquiries(inquiries))

    def refund(self, refund: SubmittedRefund) -> RefundAnswer:
        """Raise Transient: files carry no refunds, and one begun with another processor stays on its way."""
        text = "A processor that works with files can't send money back; run with the processor the refund began with."
        raise Transient("REFUNDS_NOT_SENT", text)

    def _write(self, name: str, text: str) -> None:
        for place in (SENT, REQUESTS):
            write_whole(self._folder / place / name, text)


class CallbackDoor(Protocol):
    """The gRPC door processors report to."""

    def report_results(self, enterprise_id: UUID, results: Sequence[ResultCallback]) -> None:
        """Report results of attempts."""
        ...

    def report_updates(self, enterprise_id: UUID, updates: Sequence[UpdateCallback]) -> None:
        """Report answers of the card updater."""
        ...

    def report_returns(self, enterprise_id: UUID, returns: Sequence[ReturnCallback]) -> None:
        """Report returns, chargebacks and reversals."""
        ...


Read = Callable[[Path, str], tuple[UUID, Sequence[Any]]]
Report = Callable[[UUID, Any], None]


class FilePickup:
    """Reads what the processor answered and reports it through the real callback door: a file whole or not at all."""

    def __init__(self, folder: Path, door: CallbackDoor, settle_s: float = SETTLE_S) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._kinds: Sequence[tuple[str, Read, Report]] = (
            (RESPONSES, self._responses, door.report_results),
            (UPDATES, self._updates, door.report_updates),
            (RETURNS, lambda _, text: file_format.read_returns(text), door.report_returns),
        )

    def read(self, task: Task) -> None:
        """Take all files that are there; one that was being taken when its process ended is taken again."""
        for place, read, report in self._kinds:
            for path in sorted((self._folder / place).glob("*.txt")):
                if time() - path.stat().st_mtime >= self._settle_s:
                    self._take(place, path, read, report)

    def _take(self, place: str, path: Path, read: Read, report: Report) -> None:
        done = self._folder / DONE / place / path.name
        try:
            if done.exists():
                raise FileRefusedError(1, "a file of this name was taken before.")
            enterprise_id, callbacks = read(path, _text(path))
        except FileRefusedError as error:
            log.warning("a processor's file was refused", extra={"file": path.name, "line": error.line})
            refused = _free(self._folder / REFUSED / place / path.name)
            write_whole(refused.with_name(f"{refused.name}.error"), f"{error}\n")
            path.replace(refused)
            return
        for start in range(0, len(callbacks), CHUNK):
            report(enterprise_id, callbacks[start : start + CHUNK])
        done.parent.mkdir(parents=True, exist_ok=True)
        path.replace(done)

    def _responses(self, path: Path, text: str) -> tuple[UUID, Sequence[ResultCallback]]:
        return file_format.enterprise_of(path.name), file_format.read_responses(text, self._request(path))

    def _updates(self, path: Path, text: str) -> tuple[UUID, Sequence[UpdateCallback]]:
        return file_format.enterprise_of(path.name), file_format.read_updates(text, self._request(path))

    def _request(self, path: Path) -> str:
        request = self._folder / SENT / path.name
        if not request.is_file():
            raise FileRefusedError(1, "no request of this name was sent.")
        return request.read_text(encoding="utf-8")


def _text(path: Path) -> str:
    if path.stat().st_size > BYTES_MAX:
        raise FileRefusedError(1, f"is larger than {BYTES_MAX} bytes.")
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise FileRefusedError(content[: error.start].count(b"\n") + 1, "isn't UTF-8 text.") from None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _free(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return found
