"""Read what a processor that works with files answered, and report it through the real callback door."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from boss_billing.adapters import file_format
from boss_billing.adapters.file_format import FileRefusedError, Told
from boss_billing.adapters.file_processor import DONE, REFUSED, RESPONSES, RETURNS, SENT, UPDATES, prepare
from boss_billing.adapters.places import Files, Place
from boss_billing.callbacks.rules import RefundCallback, ResultCallback, ReturnCallback, UpdateCallback
from boss_kit.tasks import Task

log = logging.getLogger(__name__)

SETTLE_S = 60.0
"""A file that somebody is still writing is left alone so long."""

CHUNK = 1000
BYTES_MAX = 50 * 1024 * 1024
Callback = ResultCallback | RefundCallback | UpdateCallback | ReturnCallback
OwnersOf = Callable[[UUID, Collection[str]], Mapping[str, Collection[UUID]]]
Read = Callable[[Files, str, str], Told[Any]]


class CallbackDoor(Protocol):
    """The gRPC door processors report to."""

    def refusal(self, callback: Callback) -> str:
        """Say why the door would refuse a callback; nothing where it takes it."""
        ...

    def report_results(self, enterprise_id: UUID, results: Sequence[ResultCallback]) -> None:
        """Report results of attempts."""
        ...

    def report_refund_results(self, enterprise_id: UUID, results: Sequence[RefundCallback]) -> None:
        """Report results of refunds."""
        ...

    def report_updates(self, enterprise_id: UUID, updates: Sequence[UpdateCallback]) -> None:
        """Report what the card updater says."""
        ...

    def report_returns(self, enterprise_id: UUID, returns: Sequence[ReturnCallback]) -> None:
        """Report returns, chargebacks and reversals."""
        ...


class Owners(Protocol):
    """What billing knows of whose things a file names."""

    def units(self, enterprise_id: UUID) -> Collection[UUID]:
        """Give an enterprise's business units."""
        ...

    def of_attempts(self, enterprise_id: UUID, attempt_ids: Collection[str]) -> Mapping[str, Collection[UUID]]:
        """Give the unit of each attempt there is."""
        ...

    def of_tokens(self, enterprise_id: UUID, tokens: Collection[str]) -> Mapping[str, Collection[UUID]]:
        """Give the units whose accounts have a funding source with each token."""
        ...


class FilePickup:
    """Takes the processor's files: each whole or not at all."""

    def __init__(self, place: Place, door: CallbackDoor, owners: Owners, settle_s: float = SETTLE_S) -> None:
        self._place = place
        self._door = door
        self._owners = owners
        self._settle_s = settle_s
        self._readers: Mapping[str, Read] = {RESPONSES: _responses, UPDATES: self._updates, RETURNS: self._returns}
        self._reports: Mapping[type, Callable[[UUID, Any], None]] = {
            ResultCallback: door.report_results,
            RefundCallback: door.report_refund_results,
            UpdateCallback: door.report_updates,
            ReturnCallback: door.report_returns,
        }

    def read(self, task: Task) -> None:
        """Take all files that are there; one that was being taken when its process ended is taken again."""
        with self._place.open() as files:
            prepare(files)
            for folder, read in self._readers.items():
                for name in files.names(folder):
                    seen = files.see(f"{folder}/{name}")
                    if seen is not None and seen.age_s >= self._settle_s:
                        self._take(files, folder, name, read)

    def _take(self, files: Files, folder: str, name: str, read: Read) -> None:
        path, done = f"{folder}/{name}", f"{DONE}/{folder}/{name}"
        try:
            if files.see(done) is not None:
                raise FileRefusedError(1, "a file of this name was taken before.")
            told = read(files, name, _text(files, path))
            self._check_taken(told)
        except FileRefusedError as error:
            log.warning("a processor's file was refused", extra={"file": name, "line": error.line})
            refused = _free(files, f"{REFUSED}/{folder}", name)
            files.write(f"{refused}.error", f"{error}\n".encode())
            files.move(path, refused)
            return
        for kind, report in self._reports.items():
            mine = [one for one in told.callbacks if isinstance(one, kind)]
            for start in range(0, len(mine), CHUNK):
                report(told.enterprise_id, mine[start : start + CHUNK])
        files.move(path, done)

    def _check_taken(self, told: Told[Any]) -> None:
        """Refuse a file one of whose rows the door wouldn't take: the rows before it would be applied by then."""
        for row, callback in zip(told.rows, told.callbacks, strict=True):
            if reason := self._door.refusal(callback):
                raise FileRefusedError(row.line, reason)

    def _updates(self, files: Files, name: str, text: str) -> Told[Any]:
        if file_format.is_inquiry(name):
            return file_format.read_updates(text, _request(files, name), file_format.enterprise_of(name))
        told = file_format.read_news(text)
        self._check_owners(told, "account", self._owners.of_tokens)
        return told

    def _returns(self, _files: Files, _name: str, text: str) -> Told[Any]:
        told = file_format.read_returns(text)
        self._check_owners(told, "transaction_code", self._owners.of_attempts)
        return told

    def _check_owners(self, told: Told[Any], column: str, owners_of: OwnersOf) -> None:
        """Refuse a file one of whose rows is about what another unit has (SPEC BIL-8)."""
        units = self._owners.units(told.enterprise_id)
        owners = owners_of(told.enterprise_id, {row[column] for row in told.rows})
        file_format.check_owners(told.rows, column, units, owners)


def _responses(files: Files, name: str, text: str) -> Told[Any]:
    return file_format.read_responses(text, _request(files, name), file_format.enterprise_of(name))


def _request(files: Files, name: str) -> str:
    if files.see(f"{SENT}/{name}") is None:
        raise FileRefusedError(1, "no request of this name was sent.")
    return files.read(f"{SENT}/{name}").decode()


def _text(files: Files, path: str) -> str:
    seen = files.see(path)
    if seen is not None and seen.size > BYTES_MAX:
        raise FileRefusedError(1, f"is larger than {BYTES_MAX} bytes.")
    content = files.read(path)
    try:
        # A byte order mark, which editors on Windows put before a text, says nothing.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefusedError(content[: error.start].count(b"\n") + 1, "isn't UTF-8 text.") from None


def _free(files: Files, folder: str, name: str) -> str:
    """Name a place that nothing is at yet."""
    stem, number, found = name.removesuffix(".txt"), 1, f"{folder}/{name}"
    while files.see(found) is not None:
        number += 1
        found = f"{folder}/{stem}.{number}.txt"
    return found
