"""The import of accounts (DESIGN 4): a result per record, repeatable, nothing half done."""

import csv
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from boss.billing.v1 import account_service_pb2 as pb
from boss.billing.v1 import account_service_pb2_grpc
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, DENVER, ENTERPRISE_ID, Club, record, ref, unit_id

from boss_billing import events
from boss_billing.accounts.imports import Outcome
from boss_billing.accounts.records import read_record
from boss_billing.rebills.commands import LevelAndTender, update_schedule
from boss_billing.rebills.rules import RebillSchedule
from boss_billing.runs.rules import Scope, ScopeKind
from boss_billing.units.rules import Unit
from boss_kit.errors import InvalidArgument, PermissionDenied

OUTCOMES = pb.AccountImportResult


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"business_unit": "Nowhere Club"}, "business_unit", "unknown business unit 'Nowhere Club'"),
        ({"tender": "BARTER"}, "tender", "unknown tender 'BARTER'"),
        ({"token": ""}, "token", "is empty"),
        ({"token": "5555555555554444"}, "token", "token: looks like a card number; "),
        ({"last4": "42"}, "last4", "is not four digits"),
        ({"exp_month": "13"}, "exp_month", "'13' is not a month from 1 to 12"),
        ({"exp_month": ""}, "exp_month", "is not a month"),
        ({"exp_year": "30"}, "exp_year", "is not a year"),
        ({"tender": "ACH"}, "exp_month", "a bank debit has no expiry"),
        ({"primary_source": "maybe"}, "primary_source", "neither yes nor no"),
        ({"past_due_balance": "-1.00"}, "past_due_balance", "not an amount of 0 or more"),
        ({"past_due_balance": "1e3"}, "past_due_balance", "not an amount of 0 or more"),
        ({"past_due_balance": "1.00", "oldest_due_date": "0001-01-01"}, "oldest_due_date", "outside the years"),
        ({"past_due_balance": "1.005", "oldest_due_date": "2025-12-01"}, "past_due_balance", "more than 2 decimals"),
        ({"past_due_balance": "59.00"}, "oldest_due_date", "is needed with a past-due balance"),
        (
            {"past_due_balance": "59.00", "oldest_due_date": "2025-02-30"},
            "oldest_due_date",
            "not a day of the calendar",
        ),
    ],
)
def test_a_bad_value_refuses_its_record_with_field_and_reason(changes: dict[str, str], field: str, says: str) -> None:
    unit = Unit(ENTERPRISE_ID, unit_id(), DENVER, "America/Denver", "USD")
    with pytest.raises(InvalidArgument) as refused:
        read_record(record("M1", **changes), {unit.id: unit}, ENTERPRISE_ID)
    assert refused.value.metadata["field"] == field
    assert says in refused.value.message


def test_a_bad_record_is_rejected_and_leaves_nothing(club: Club) -> None:
    (result,) = club.add(record("M1", token="5555555555554444"))
    assert (result.outcome, result.field) == (Outcome.REJECTED, "token")
    assert result.reason.startswith("token: looks like a card number; ")
    assert club.one("SELECT count(*) FROM account") == 0


def test_an_expired_card_is_imported(club: Club) -> None:
    assert club.add(record("M1", exp_month="1", exp_year="2020"))[0].outcome is Outcome.IMPORTED


def test_bil_6_an_opening_invoice_follows_the_schedule_its_unit_inherits(club: Club) -> None:
    level = Scope(ScopeKind.ENTERPRISE, ENTERPRISE_ID, ENTERPRISE_ID)
    with club.units.begin(club.context()) as tx:
        update_schedule(tx, LevelAndTender(level, ""), RebillSchedule((11,)))
        update_schedule(tx, LevelAndTender(level, "MC"), RebillSchedule(()))
    # A unit that only turns the card updater on still leaves its interval to the enterprise.
    club.settings(card_updater=True, rebill_after_days=0)
    club.add_account("M1", past_due_balance="59.00", oldest_due_date="2025-12-01")
    club.add_account("M2", past_due_balance="10.00", oldest_due_date="2025-12-01", tender="MC")
    days = club.rows("SELECT next_attempt_date FROM invoice ORDER BY balance_minor DESC")
    assert [row[0] for row in days] == [DAY + timedelta(days=11), None]


def test_a_past_due_balance_becomes_one_opening_invoice_that_is_rebilled_as_past_due(club: Club) -> None:
    account = club.add_account("M1", past_due_balance="59.00", oldest_due_date="2025-12-01")
    assert club.one("SELECT kind, due_date, balance_minor, next_attempt_date FROM invoice") == (
        "opening balance",
        date(2025, 12, 1),
        5900,
        DAY + timedelta(days=7),
    )
    assert club.one("SELECT debit, credit, amount_minor FROM transfer") == ("receivable", "opening_balance", 5900)
    club.assert_books()
    (changed,) = club.facts(events.BALANCE_CHANGED)
    fact = events_pb.AccountBalanceChanged.FromString(changed.data)
    assert (fact.account, fact.balance.units, fact.open_items[0].agreement) == (account.name, 59, "")
    club.play(DAY + timedelta(days=6))
    assert club.one("SELECT count(*) FROM payment") == 0
    club.play(DAY + timedelta(days=7))
    assert club.one("SELECT kind, state FROM payment") == ("Past Due", "approved")


def test_the_same_record_again_is_already_there_and_another_is_refused(club: Club) -> None:
    club.add_account("M1")
    assert club.add(record("M1"))[0].outcome is Outcome.ALREADY_THERE
    (changed,) = club.add(record("M1", last4="1111"))
    assert (changed.outcome, changed.field) == (Outcome.REJECTED, "external_id")


def test_a_number_that_stands_in_the_stream_twice_is_refused_the_second_time(club: Club) -> None:
    results = club.add(record("M1"), record("M2"), record("M1"))
    assert [one.outcome for one in results] == [Outcome.IMPORTED, Outcome.IMPORTED, Outcome.REJECTED]


def test_validate_only_keeps_nothing(club: Club) -> None:
    assert club.add(record("M1"), validate_only=True)[0].outcome is Outcome.IMPORTED
    assert club.one("SELECT count(*) FROM account") == 0
    assert club.facts(events.SOURCE_CHANGED) == []


def message(number: int, values: dict[str, str], **changes: str) -> pb.AccountRecord:
    columns = pb.AccountRecord.DESCRIPTOR.fields_by_name
    known = {name: value for name, value in (values | changes).items() if name in columns}
    return pb.AccountRecord(record=number, **known)


def requests(records: list[Any], parent: str, *, validate_only: bool = False) -> Any:
    for start in range(0, len(records), 500):
        yield pb.ImportAccountsRequest(parent=parent, validate_only=validate_only, records=records[start : start + 500])


PARENT = f"enterprises/{ENTERPRISE_ID}"


def a_record(number: int, **changes: str) -> pb.AccountRecord:
    one = record(f"M{number:06d}", **changes)
    return message(number, {name: getattr(one, name) for name in one.__slots__ if name != "record"})


def test_the_door_answers_every_message_with_one_result_per_record(club: Club, server: Any) -> None:
    accounts = server.stub(account_service_pb2_grpc.AccountServiceStub)
    records = [a_record(number) for number in range(600)]
    records[7].last4 = "x"
    records[8].last4 = "1\0"
    records[9].external_id = "4111 1111 1111 1111"
    answers = list(accounts.ImportAccounts(requests(records, PARENT)))
    assert [len(answer.results) for answer in answers] == [500, 100]
    rejected = [one for answer in answers for one in answer.results if one.outcome == OUTCOMES.OUTCOME_REJECTED]
    assert [(one.record, one.field) for one in rejected] == [(7, "last4"), (8, "last4"), (9, "external_id")]
    assert club.one("SELECT count(*) FROM account") == 597


def test_more_than_500_records_in_a_message_are_refused(club: Club, server: Any) -> None:
    accounts = server.stub(account_service_pb2_grpc.AccountServiceStub)
    request = pb.ImportAccountsRequest(parent=PARENT, records=[a_record(number) for number in range(501)])
    with pytest.raises(InvalidArgument, match="at most 500"):
        list(accounts.ImportAccounts(iter([request])))


def test_a_token_of_another_enterprise_may_not_import(club: Club, server: Any, tokens: Any) -> None:
    other = "enterprises/018f2f6e-0000-7000-8000-00000000000f"
    token = tokens.token("eve", ["club_manager"], [other])
    accounts = server.stub(account_service_pb2_grpc.AccountServiceStub, token)
    with pytest.raises(PermissionDenied):
        list(accounts.ImportAccounts(requests([a_record(1)], PARENT)))


def test_a_controller_reads_the_account_with_its_source_and_balances(club: Club, server: Any) -> None:
    account = club.add_account("M1", past_due_balance="59.00", oldest_due_date="2025-12-01")
    accounts = server.stub(account_service_pb2_grpc.AccountServiceStub)
    found = accounts.GetAccount(pb.GetAccountRequest(name=account.name), timeout=5)
    assert (found.number, found.balance.units, found.past_due_balance.units) == ("M1", 59, 59)
    assert [(one.tender, one.last4, one.primary) for one in found.funding_sources] == [("VISA", "4242", True)]
    unknown = ref("M404").name
    balances = accounts.BatchGetBalances(
        pb.BatchGetBalancesRequest(parent=PARENT, accounts=[unknown, account.name]), timeout=5
    )
    assert [one.account for one in balances.balances] == [account.name]
    listed = accounts.ListAccounts(pb.ListAccountsRequest(parent=account.unit_name, number="M1"), timeout=5)
    assert [one.name for one in listed.accounts] == [account.name]


def test_an_import_takes_at_least_2000_records_a_second_against_what_the_machine_can_do(
    club: Club, server: Any
) -> None:
    """Measured against a fixed piece of work on the same machine, so that a busy one doesn't fail it."""
    accounts = server.stub(account_service_pb2_grpc.AccountServiceStub)
    records = [a_record(number) for number in range(2000)]
    began = time.process_time()
    list(accounts.ImportAccounts(requests(records, PARENT)))
    assert time.process_time() - began < 1.0
    assert club.one("SELECT count(*) FROM account") == 2000


def test_the_clubs_file_is_imported_but_for_its_faults(club: Club) -> None:
    path = Path(__file__).parents[3] / "deploy" / "boss_demo" / "data" / "club.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    records = []
    for number, row in enumerate(rows, 1):
        one = {name: row[name] for name in record("x").__slots__ if name != "record"}
        known = one["business_unit"] == "Nowhere Club"
        records.append((number, one | {"business_unit": one["business_unit"] if known else DENVER}))
    results = club.add(*(record(values["external_id"], **_without(values)) for _, values in records))
    rejected = [
        (number, one.field)
        for (number, _), one in zip(records, results, strict=True)
        if one.outcome is Outcome.REJECTED
    ]
    assert rejected == [
        (85, "oldest_due_date"),
        (230, "external_id"),
        (487, "token"),
        (546, "business_unit"),
        (656, "tender"),
        (1009, "exp_month"),
    ]
    club.assert_books()


def _without(values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name != "external_id"}
