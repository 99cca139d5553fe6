"""The import of a club's file, over real gRPC."""

import csv
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import email_validator
import phonenumbers
import pytest
import sqlalchemy as sa
from agreements_club import CLUB, ENTERPRISE, FIRST_DAY, USUAL, Club, add_unit, iso, record
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import member_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.due_charges.rules import next_charge
from boss_agreements.imports.contacts import parse_email, parse_phone
from boss_agreements.imports.rules import FIELDS, Checked, Record, check
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.suspensions.rules import union
from boss_kit.errors import InvalidArgument, PermissionDenied

DATA = Path(__file__).parent / "data"
IMPORTED, ALREADY_THERE, REJECTED = (
    pb.ImportResult.OUTCOME_IMPORTED,
    pb.ImportResult.OUTCOME_ALREADY_THERE,
    pb.ImportResult.OUTCOME_REJECTED,
)
# What billing finds by itself: its columns don't come here.
BILLINGS_OWN = {
    "past due without a due date",
    "card number as token",
    "unknown tender",
    "impossible expiry month",
}
WORDS = {
    "card number in notes": ("notes", "card number"),
    "unknown schedule": ("schedule", "'whenever' is not a billing schedule"),
    "price not a number": ("price", "price: 'thirty' is not a number; write it like 35.00."),
    "duplicate external_id": ("external_id", "M000001 is in the file twice: first as record 1"),
    "missing last name": ("last_name", "is missing"),
    "negative price": ("price", "is negative"),
    "freeze ends before it starts": ("freeze_to", "is not after the freeze's first day"),
    "unknown business unit": ("business_unit", "no business unit 'Nowhere Club'"),
    "email not an address": ("email", "'not an email' is not an email address"),
    "name of 5,000 characters": ("first_name", "has 5,000 characters; at most 200 are kept"),
    "bad start date": ("start_date", "2025-02-30 is not a day of the calendar"),
    "NUL in a name": ("first_name", "NUL character"),
    "unknown time zone": ("time_zone", "'Mars/Olympus' is not a time zone"),
    "three decimals in price": ("price", "more than 2 decimals"),
}


def club_rows(file: str) -> list[dict[str, str]]:
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with (DATA / file).open(newline="", encoding="utf-8") as opened:
            return list(csv.DictReader(opened))
    finally:
        # It is the whole process's: billing's tests prove that a cell beyond it is refused.
        csv.field_size_limit(limit)


def add_clubs(club: Club) -> None:
    for name, zone in (
        ("San Diego Club", "America/Los_Angeles"),
        ("Rockville Club", "America/New_York"),
        ("Austin Club", "America/Chicago"),
        ("Arlington Club", "America/New_York"),
    ):
        add_unit(club, name, zone)
    club.facts()


def check_alone(**values: str) -> Checked:
    unit = BusinessUnit(
        UUID(int=2), UUID(int=1), CLUB, CLUB, "America/Denver", "USD", 1, datetime(2026, 1, 1, tzinfo=UTC)
    )
    return check(Record(**(USUAL | values)), {CLUB: unit}, lambda zone: FIRST_DAY)


def one(results: Sequence[Any]) -> Any:
    assert len(results) == 1
    return results[0]


def test_the_clubs_file_is_imported_but_for_its_known_problems(club: Club) -> None:
    add_clubs(club)
    rows, problems = club_rows("club.csv"), club_rows("club.problems.csv")
    records = [record(number, **{name: row[name] for name in FIELDS}) for number, row in enumerate(rows, 1)]
    checked = club.import_records(*records, validate_only=True)
    assert club.facts() == [], "a check keeps nothing"
    results = club.import_records(*records)
    assert checked == results
    rejected = {result.record: result for result in results if result.outcome == REJECTED}
    expected = {int(row["record"]): row for row in problems if row["problem"] not in BILLINGS_OWN}
    assert rejected.keys() == expected.keys()
    for number, row in expected.items():
        field, words = WORDS[row["problem"]]
        assert rejected[number].external_id == row["external_id"]
        assert (rejected[number].field, words in rejected[number].reason) == (field, True), rejected[number].reason
    assert sum(result.outcome == IMPORTED for result in results) == len(rows) - len(expected)
    kinds = [event.type for event, _ in club.facts()]
    assert kinds.count("boss.agreements.member.v1.changed") == len(rows) - len(expected)
    assert kinds.count("boss.agreements.agreement.v1.changed") == len(rows) - len(expected)
    assert len(kinds) == 2 * (len(rows) - len(expected)), "freezes to come are no facts yet"
    again = club.import_records(*[record for record in records if record.record not in expected])
    assert {result.outcome for result in again} == {ALREADY_THERE}
    assert club.facts() == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("external_id", "", "is missing"),
        ("external_id", "x" * 101, "at most 100"),
        ("first_name", " ", "is missing"),
        ("last_name", "y" * 201, "has 201 characters; at most 200"),
        ("city", "c" * 201, "at most 200"),
        ("notes", "n" * 5001, "at most 5,000"),
        ("notes", "4111-1111-1111-1111", "card number"),
        ("last_name", "5555555555554444", "card number"),
        ("cell_phone", "4111 1111 1111 1111", "card number"),
        ("address_1", "a\0b", "NUL"),
        ("birth_date", "12/05/1995", "write it like 2026-01-31"),
        ("birth_date", "2026-01-02", "lies in the future"),
        ("birth_date", "0001-01-01", "outside the years"),
        ("email", "a@b", "not an email address"),
        ("time_zone", "../etc/passwd", "is not a time zone"),
        ("agreement", "", "is missing"),
        ("agreement_type", "Rental", "use Membership or Service"),
        ("price", "NaN", "not a number"),
        ("price", "1e5", "not a number"),
        ("price", "1,000.00", "not a number"),
        ("price", "1_000", "not a number"),
        ("price", "٣٥", "not a number"),
        ("price", "99999999999.00", "more than any agreement costs"),
        ("schedule", "monthly_on_32", "not a billing schedule"),
        ("term", "fixed_0", "not a term"),
        ("start_date", "", "is missing"),
        ("start_date", "9999-12-31", "outside the years"),
        ("obligation_end", "2025-03-09", "before the agreement's start"),
        ("freeze_to", "2026-02-01", "freeze_from: is missing"),
        ("freeze_from", "soon", "write it like"),
        ("sms_opt_out", "maybe", "neither yes nor no"),
        ("do_not_call", "1", "neither yes nor no"),
    ],
)
def test_a_bad_value_is_refused_with_its_field_and_the_way_out(field: str, value: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check_alone(**{field: value})
    assert words in refused.value.message
    assert refused.value.metadata["field"] == ("freeze_from" if field == "freeze_to" else field)
    assert "\0" not in refused.value.message


def test_a_bad_record_holds_up_no_other(club: Club) -> None:
    values = ({"price": "thirty"}, {"first_name": "A\0va"}, {"notes": "4111 1111 1111 1111"}, {"email": "no"})
    records = [record(number, external_id=f"M{number}", **value) for number, value in enumerate(values, 1)]
    results = club.import_records(record(10, external_id="M10"), *records, record(11, external_id="M11"))
    assert [one.outcome for one in results] == [IMPORTED, *[REJECTED] * len(values), IMPORTED]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("notes", '=HYPERLINK("http://x","y")'),
        ("notes", "Robert'); DROP TABLE member;--"),
        ("notes", 'Moved, "new" address\non file'),
        ("last_name", "d'Angelo"),
        ("first_name", "王"),
        ("price", "35"),
        ("price", "0.00"),
        ("price", "35.500"),
        ("birth_date", ""),
        ("email", ""),
        ("time_zone", ""),
        ("freeze_from", "2026-02-01"),
        ("cell_phone", "call the desk"),
        ("external_id", "0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f"),
    ],
)
def test_an_unusual_value_is_just_a_value(field: str, value: str) -> None:
    assert getattr(check_alone(**{field: value}).record, field) == value


def test_text_that_looks_like_a_formula_is_kept_as_it_is(club: Club) -> None:
    club.import_records(record(1, notes='=HYPERLINK("http://x","y")'))
    assert club.members.GetMember(pb.GetMemberRequest(name=club.member_name())).notes == '=HYPERLINK("http://x","y")'


def test_an_impossible_phone_is_kept_as_given_and_a_possible_one_as_e164(club: Club) -> None:
    club.import_records(record(1, cell_phone="12-34", home_phone="(810) 605-7421", work_phone="+44 20 7946 0958"))
    member = club.members.GetMember(pb.GetMemberRequest(name=club.member_name()))
    phones = {contact.label: contact.value for contact in member.contacts if contact.type == pb.Contact.TYPE_PHONE}
    assert phones == {"cell": "12-34", "home": "+18106057421", "work": "+442079460958"}


@pytest.mark.parametrize(
    ("given", "primary"),
    [
        ({}, "cell"),
        ({"cell_phone": ""}, "home"),
        ({"cell_phone": "", "home_phone": "", "work_phone": "(810) 605-7421"}, "work"),
    ],
)
def test_the_first_phone_there_is_is_the_primary_one(given: dict[str, str], primary: str) -> None:
    phones = [contact for contact in check_alone(**given).contacts if contact.type == "phone"]
    assert [contact.label for contact in phones if contact.primary] == [primary]


def test_a_member_has_the_lines_of_a_letter_as_address(club: Club) -> None:
    club.import_records(record(1, address_2="Apt 4B"))
    member = club.members.GetMember(pb.GetMemberRequest(name=club.member_name()))
    (address,) = [one for one in member.contacts if one.type == pb.Contact.TYPE_ADDRESS]
    assert list(address.address_lines) == ["2581 Park St", "Apt 4B", "Denver, CO 80202"]


def test_an_external_id_that_comes_twice_in_a_stream_is_refused_the_second_time_across_messages(club: Club) -> None:
    first, second = club.import_records(record(1), record(5, first_name="Tomás"), size=1)
    assert first.outcome == IMPORTED
    assert second.reason == "external_id: M1 is in the file twice: first as record 1."


def test_a_validated_stream_remembers_its_ids_too(club: Club) -> None:
    _, second = club.import_records(record(1), record(2), size=1, validate_only=True)
    assert second.outcome == REJECTED


def test_a_re_import_with_other_values_is_refused_and_changes_nothing(club: Club) -> None:
    club.import_records(record(1))
    result = one(club.import_records(record(1, price="40.00")))
    assert result.outcome == REJECTED
    assert "is there already with other values" in result.reason
    agreement = club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=club.agreement_name()))
    assert agreement.price.units == 35


def test_two_messages_of_one_file_may_come_on_two_streams(club: Club) -> None:
    assert one(club.import_records(record(1))).outcome == IMPORTED
    assert one(club.import_records(record(2, external_id="M2"))).outcome == IMPORTED


@pytest.mark.parametrize(
    ("values", "status", "due"),
    [
        ({}, "Active", "2026-01-10"),
        ({"start_date": "2025-01-01"}, "Active", "2026-01-01"),
        ({"start_date": "2026-02-20"}, "Pending Start", "2026-02-20"),
        ({"start_date": "2024-01-15", "term": "fixed_12"}, "Expired", ""),
        ({"start_date": "2025-03-03", "term": "fixed_12", "schedule": "monthly_on_15"}, "Active", "2026-01-15"),
        ({"start_date": "2025-03-03", "term": "fixed_12", "schedule": "yearly"}, "Active", ""),
        ({"freeze_from": "2026-01-05"}, "Active", ""),
        ({"freeze_from": "2026-01-05", "freeze_to": "2026-01-20"}, "Active", "2026-01-20"),
        ({"freeze_from": "2025-12-05", "freeze_to": "2025-12-20"}, "Active", "2026-01-10"),
    ],
)
def test_design_4_an_imported_agreement_counts_as_billed_through_the_day_before(
    values: dict[str, str], status: str, due: str
) -> None:
    checked = check_alone(**values)
    assert checked.status == status
    charge = next_charge(checked.line, union([checked.freeze]) if checked.freeze else ())
    assert (charge.due_date.isoformat() if charge else "") == due


def test_an_imported_agreement_shows_its_next_bill_date_with_the_freeze(club: Club) -> None:
    club.import_records(
        record(1, freeze_from="2026-01-05", freeze_to="2026-01-20"),
        record(2, external_id="M2", freeze_from="2026-01-05"),
    )
    agreements = club.agreements.ListAgreements(agreements_pb.ListAgreementsRequest(parent=club.unit)).agreements
    assert [
        iso(agreement.next_bill_date) if agreement.HasField("next_bill_date") else "" for agreement in agreements
    ] == ["2026-01-20", ""]


def test_the_facts_of_an_import_tell_all_that_others_need(club: Club) -> None:
    club.import_records(record(1, do_not_call="yes", sms_opt_out="YES"))
    (member_event, member), (agreement_event, agreement) = club.facts()
    assert member_event.key == club.member_name().rpartition("/")[2]
    assert (member_event.version, iso(member_event.business_date)) == (1, "2026-01-01")
    assert member.account == f"{club.unit}/accounts/{club.account_id()}"
    assert (member.do_not_call, member.sms_opt_out) == (True, True)
    assert [contact.label for contact in member.contacts] == ["email", "cell", "home", "address"]
    assert agreement_event.key == str(club.account_id())
    assert (agreement.number, agreement.status, agreement.price.units) == ("M1", "Active", 35)


def test_more_than_500_records_in_a_message_are_refused(club: Club) -> None:
    records = [record(number, external_id=f"M{number}") for number in range(501)]
    with pytest.raises(InvalidArgument, match="at most 500"):
        club.import_records(*records, size=501)


def test_an_import_into_an_enterprise_the_token_does_not_cover_is_refused(club: Club) -> None:
    from boss.agreements.v1.member_service_pb2_grpc import MemberServiceStub

    stub = club.server.stub(MemberServiceStub, token=club.tokens.token("anna", ["club_manager"], [club.unit]))
    request = pb.ImportMembersRequest(parent=ENTERPRISE, records=[record(1)])
    with pytest.raises(PermissionDenied):
        list(stub.ImportMembers(iter([request])))


@given(
    st.one_of(
        st.from_regex(r"(\+1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}", fullmatch=True),
        st.from_regex(r"\+?[0-9 ().-]{0,18}", fullmatch=True),
        st.text(max_size=20),
    )
)
def test_phones_are_possible_exactly_when_phonenumbers_says_so(text: str) -> None:
    try:
        number = phonenumbers.parse(text, "US")
        possible = phonenumbers.is_possible_number(number)
    except phonenumbers.NumberParseException:
        possible = False
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if possible else text
    assert parse_phone(text) == expected


EMAIL_PARTS = st.from_regex(r"[A-Za-z0-9_+.-]{1,12}", fullmatch=True)


@given(
    st.one_of(
        st.emails(),
        st.builds("{}@{}".format, EMAIL_PARTS, EMAIL_PARTS),
        st.builds(
            "{}@{}.{}".format, EMAIL_PARTS, EMAIL_PARTS, st.sampled_from(["com", "test", "local", "TEST", "x", "c0m"])
        ),
        st.text(max_size=30),
    )
)
def test_emails_are_valid_exactly_when_email_validator_says_so(text: str) -> None:
    try:
        expected = email_validator.validate_email(text, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        with pytest.raises(InvalidArgument):
            parse_email(text)
    else:
        assert parse_email(text) == expected


def test_the_usual_record_names_every_field_of_a_record() -> None:
    assert {"record", *USUAL} == set(pb.MemberRecord.DESCRIPTOR.fields_by_name)


def test_two_imports_of_the_same_records_at_the_same_time_bring_each_once(club: Club) -> None:
    records = [record(number, external_id=f"M{number}") for number in range(200)]
    with ThreadPoolExecutor(3) as pool:
        results = [
            one for found in pool.map(lambda _: club.import_records(*records, size=50), range(3)) for one in found
        ]
    outcomes = [result.outcome for result in results]
    assert (outcomes.count(IMPORTED), outcomes.count(ALREADY_THERE)) == (200, 400)
    assert len(club.facts()) == 400


def test_a_message_looks_only_at_its_own_records_however_many_are_there_and_nothing_was_analysed(club: Club) -> None:
    club.import_records(*[record(number, external_id=f"M{number}") for number in range(400)])
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "ids" in parameters:
            asked.append((statement, parameters))

    sa.event.listen(club.units.engine, "before_cursor_execute", note)
    club.import_records(*[record(number, external_id=f"N{number}") for number in range(100)])
    sa.event.remove(club.units.engine, "before_cursor_execute", note)
    with club.units.engine.connect() as connection:
        plans = [
            "\n".join(connection.exec_driver_sql(f"EXPLAIN ANALYZE {one}", values).scalars()) for one, values in asked
        ]
    indexes = ("agreement_enterprise_id_number_key", "member_enterprise_id_external_id_key")
    for plan, index in zip(plans, indexes, strict=True):
        assert f"using {index}" in plan, plan
        assert "Sort" not in plan, plan
