"""The import of a club: checked by both services first, then taken by both, or by neither (DESIGN 4)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from boss.agreements.v1 import member_service_pb2
from boss.billing.v1 import account_service_pb2

from boss_cli.clients import Clients
from boss_cli.club_file import ACCOUNT_COLUMNS, MEMBER_COLUMNS, Record, Rejected, open_club_file, read_club_file
from boss_cli.conversation import Conversation

RECORDS_PER_MESSAGE = 500
CHARACTERS_PER_MESSAGE = 600_000
"""Keeps a message of long records below gRPC's 4 MB, at up to four bytes a character."""
AGAIN_S = 60.0
# The two services' enums have the same numbers.
ALREADY_THERE = member_service_pb2.ImportResult.OUTCOME_ALREADY_THERE
REJECTED = member_service_pb2.ImportResult.OUTCOME_REJECTED

CHECKING = "checking"
IMPORTING = "importing"
Progress = Callable[[str, int], None]
"""Hears the phase (`checking` or `importing`) and how many records of it are done."""


@dataclass(frozen=True)
class ImportReport:
    """What became of a file: `records` is the sum of the other three."""

    records: int
    imported: int
    already_there: int
    rejected: list[Rejected]


@dataclass
class _Tally:
    """What is known so far; grows with the rejected records only."""

    rejected: dict[int, Rejected] = field(default_factory=dict)
    records: int = 0
    already_there: int = 0

    def note(self, result: Any) -> None:
        """Keep a service's result where it is a refusal."""
        if result.outcome == REJECTED:
            self.reject(Rejected(result.record, result.external_id, result.field, result.reason))

    def reject(self, rejected: Rejected) -> None:
        """Keep a record's first reason, and add what the other service found wrong with another field."""
        known = self.rejected.setdefault(rejected.record, rejected)
        if known.field != rejected.field:
            both = f"{known.reason} Also {rejected.field}: {rejected.reason}"
            self.rejected[rejected.record] = replace(known, reason=both)

    def report(self) -> ImportReport:
        rejected = [self.rejected[number] for number in sorted(self.rejected)]
        return ImportReport(
            self.records, self.records - len(rejected) - self.already_there, self.already_there, rejected
        )


class _Target:
    """One of the two services that take the file: builds its messages and talks to it."""

    def __init__(
        self, stub: Callable[..., Any], request: type, record: type, columns: Sequence[str], again_s: float
    ) -> None:
        self._request, self._record, self._columns = request, record, columns
        self._conversation = Conversation(stub, again_s)

    def send(self, parent: str, records: Sequence[Record], *, validate_only: bool) -> None:
        made = [
            self._record(record=record.number, **{name: record.values[name] for name in self._columns})
            for record in records
        ]
        self._conversation.send(self._request(parent=parent, validate_only=validate_only, records=made))

    def results(self) -> Sequence[Any]:
        results: Sequence[Any] = self._conversation.receive().results
        return results

    def __enter__(self) -> "_Target":
        self._conversation.__enter__()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._conversation.__exit__(kind)


def import_club(
    clients: Clients,
    enterprise: str | UUID,
    path: str | Path,
    progress: Progress | None = None,
    *,
    again_s: float = AGAIN_S,
) -> ImportReport:
    """Import a club's file into agreements and billing; a record that either refuses is imported by neither.

    `enterprise` is `enterprises/{uuid}` or the UUID. A service that goes away is asked again for `again_s`. Raises
    BossCommandError for a file that isn't a club's, BossError when a service refuses the call as a whole.
    """
    parent = enterprise if isinstance(enterprise, str) and "/" in enterprise else f"enterprises/{enterprise}"
    tell = progress or (lambda phase, records: None)
    tally = _Tally()
    with open_club_file(path) as file:
        with _members(clients, again_s) as members, _accounts(clients, again_s) as accounts:
            for batch in _batches(_checkable(read_club_file(file), tally)):
                _check(parent, batch, members, accounts, tally)
                tell(CHECKING, batch[-1].number)
        file.seek(0)
        with _members(clients, again_s) as members, _accounts(clients, again_s) as accounts:
            for batch in _batches(_sound(read_club_file(file), tally)):
                _take(parent, batch, members, accounts, tally)
                tell(IMPORTING, batch[-1].number)
    return tally.report()


def _members(clients: Clients, again_s: float) -> _Target:
    request, record = member_service_pb2.ImportMembersRequest, member_service_pb2.MemberRecord
    return _Target(clients.agreements.members.ImportMembers, request, record, MEMBER_COLUMNS, again_s)


def _accounts(clients: Clients, again_s: float) -> _Target:
    request, record = account_service_pb2.ImportAccountsRequest, account_service_pb2.AccountRecord
    return _Target(clients.billing.accounts.ImportAccounts, request, record, ACCOUNT_COLUMNS, again_s)


def _check(parent: str, batch: Sequence[Record], members: _Target, accounts: _Target, tally: _Tally) -> None:
    members.send(parent, batch, validate_only=True)
    accounts.send(parent, batch, validate_only=True)
    for member, account in zip(members.results(), accounts.results(), strict=True):
        tally.note(member)
        tally.note(account)
        if member.outcome == ALREADY_THERE and account.outcome == ALREADY_THERE:
            tally.already_there += 1


def _take(parent: str, batch: Sequence[Record], members: _Target, accounts: _Target, tally: _Tally) -> None:
    members.send(parent, batch, validate_only=False)
    for result in members.results():
        tally.note(result)
    accepted = [record for record in batch if record.number not in tally.rejected]
    if accepted:
        accounts.send(parent, accepted, validate_only=False)
        for result in accounts.results():
            tally.note(result)


def _checkable(rows: Iterable[Record | Rejected], tally: _Tally) -> Iterator[Record]:
    for row in rows:
        tally.records += 1
        if isinstance(row, Rejected):
            tally.reject(row)
        else:
            yield row


def _sound(rows: Iterable[Record | Rejected], tally: _Tally) -> Iterator[Record]:
    return (row for row in rows if isinstance(row, Record) and row.number not in tally.rejected)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    characters = 0
    for record in records:
        if batch and (len(batch) == RECORDS_PER_MESSAGE or characters + record.characters > CHARACTERS_PER_MESSAGE):
            yield batch
            batch, characters = [], 0
        batch.append(record)
        characters += record.characters
    if batch:
        yield batch
