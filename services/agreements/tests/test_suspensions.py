"""Suspensions over real gRPC, and the daily job (SPEC SUS)."""

from typing import Any
from uuid import uuid4

import pytest
from agreements_club import Club, day, iso, record
from boss.agreements.v1 import agreement_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2

from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound


def suspend(club: Club, start: str, end: str | None = None, **values: str) -> Any:
    asked = {"agreement": club.agreement_name(), "type": "Freeze"} | values
    suspension = pb.Suspension(start_date=day(start), end_date=day(end) if end else None, **asked)
    request = pb.CreateSuspensionRequest(parent=club.unit, suspension=suspension, request_id=str(uuid4()))
    return club.agreements.CreateSuspension(request)


def end(club: Club, name: str, text: str) -> Any:
    return club.agreements.EndSuspension(
        pb.EndSuspensionRequest(name=name, end_date=day(text), request_id=str(uuid4()))
    )


def status(club: Club, external_id: str = "M1") -> str:
    return str(club.agreements.GetAgreement(pb.GetAgreementRequest(name=club.agreement_name(external_id))).status)


def listed(club: Club) -> list[tuple[str, str]]:
    found = club.agreements.ListSuspensions(
        pb.ListSuspensionsRequest(parent=club.unit, agreement=club.agreement_name())
    )
    return [(one.status, iso(one.start_date)) for one in found.suspensions]


def kinds(club: Club) -> list[str]:
    return [event.type.removeprefix("boss.agreements.").removesuffix(".v1") for event, _ in club.facts()]


def test_sus_2_a_suspension_goes_from_pending_through_active_to_completed(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    made = suspend(club, "2026-01-05", "2026-01-08", reason="Military", comments="abroad")
    assert (made.status, made.reason, made.comments) == ("Pending Start", "Military", "abroad")
    assert (status(club), kinds(club)) == ("Active", [])
    club.run_day("2026-01-04")
    assert (status(club), kinds(club)) == ("Active", [])
    club.run_day("2026-01-05")
    assert (status(club), listed(club)) == ("Freeze", [("Active-Military", "2026-01-05")])
    (started_event, started), (_, changed) = club.facts()
    assert started_event.type == "boss.agreements.suspension.v1.started"
    assert started_event.key == str(club.account_id())
    assert (iso(started.start_date), iso(started.end_date), started.stop_billing) == ("2026-01-05", "2026-01-08", True)
    assert (changed.status, started.account) == ("Freeze", f"{club.unit}/accounts/{club.account_id()}")
    club.run_day("2026-01-05")
    club.run_day("2026-01-07")
    assert kinds(club) == []
    club.run_day("2026-01-08")
    assert (status(club), listed(club)) == ("Active", [("Completed", "2026-01-05")])
    (_, ended), (changed_event, changed) = club.facts()
    assert (iso(ended.end_date), changed.status, changed_event.version) == ("2026-01-08", "Active", 3)


def test_a_suspension_that_begins_today_takes_effect_at_once(club: Club) -> None:
    club.import_records(record(1))
    assert suspend(club, "2026-01-01", type="Hold").status == "Active-Hold"
    assert status(club) == "Hold"


def test_days_the_job_missed_are_caught_up_in_order(club: Club) -> None:
    club.import_records(record(1))
    suspend(club, "2026-01-05", "2026-01-08")
    suspend(club, "2026-01-08", "2026-02-01", type="Hold")
    club.facts()
    club.run_day("2026-01-10")
    assert kinds(club) == [
        "suspension.v1.started",
        "suspension.v1.ended",
        "suspension.v1.started",
        "agreement.v1.changed",
    ]
    assert status(club) == "Hold"


def test_a_freeze_that_came_with_the_import_begins_with_the_job(club: Club) -> None:
    club.import_records(record(1, freeze_from="2025-12-20", freeze_to="2026-02-01"))
    club.run_day("2026-01-01")
    assert (status(club), listed(club)) == ("Freeze", [("Active-Freeze", "2025-12-20")])


@pytest.mark.parametrize(
    ("start", "end_date", "reason"),
    [
        ("2025-12-31", None, "START_IN_THE_PAST"),
        ("2026-01-05", "2026-01-05", "END_NOT_AFTER_START"),
        ("2026-01-05", "2026-01-04", "END_NOT_AFTER_START"),
        ("2026-01-12", "2026-01-14", "SUSPENSION_OVERLAPS"),
        ("2026-01-01", None, "SUSPENSION_OVERLAPS"),
    ],
)
def test_sus_3_days_that_cannot_be_are_refused(club: Club, start: str, end_date: str | None, reason: str) -> None:
    club.import_records(record(1, freeze_from="2026-01-10", freeze_to="2026-01-20"))
    with pytest.raises(FailedPrecondition) as refused:
        suspend(club, start, end_date)
    assert refused.value.reason == reason


def test_a_suspension_may_touch_another(club: Club) -> None:
    club.import_records(record(1, freeze_from="2026-01-10", freeze_to="2026-01-20"))
    suspend(club, "2026-01-05", "2026-01-10")
    suspend(club, "2026-01-20", "2026-01-25")
    found = club.agreements.GetAgreement(pb.GetAgreementRequest(name=club.agreement_name()))
    assert iso(found.next_bill_date) == "2026-01-25"


def test_sus_3_an_open_end_is_set_later_and_billing_follows(club: Club) -> None:
    club.import_records(record(1))
    made = suspend(club, "2026-01-05")
    assert not made.HasField("end_date")
    club.run_day("2026-01-20")
    changed = end(club, made.name, "2026-01-25")
    assert (changed.status, iso(changed.end_date)) == ("Active-Freeze", "2026-01-25")
    found = club.agreements.GetAgreement(pb.GetAgreementRequest(name=club.agreement_name()))
    assert (found.status, iso(found.next_bill_date)) == ("Freeze", "2026-01-25")
    assert end(club, made.name, "2026-01-20").status == "Completed"
    assert status(club) == "Active"
    with pytest.raises(FailedPrecondition) as refused:
        end(club, made.name, "2026-01-26")
    assert refused.value.reason == "SUSPENSION_OVER"


def test_sus_3_an_end_before_the_business_date_is_refused(club: Club) -> None:
    club.import_records(record(1))
    made = suspend(club, "2026-01-05", "2026-02-01")
    club.run_day("2026-01-20")
    with pytest.raises(FailedPrecondition) as refused:
        end(club, made.name, "2026-01-19")
    assert refused.value.reason == "END_IN_THE_PAST"


def test_an_end_must_not_reach_into_the_next_suspension(club: Club) -> None:
    club.import_records(record(1, freeze_from="2026-01-10", freeze_to="2026-01-20"))
    made = suspend(club, "2026-01-05", "2026-01-10")
    with pytest.raises(FailedPrecondition) as refused:
        end(club, made.name, "2026-01-11")
    assert refused.value.reason == "SUSPENSION_OVERLAPS"


def test_what_is_not_there_or_not_known_is_refused(club: Club) -> None:
    club.import_records(record(1))
    with pytest.raises(InvalidArgument, match="Freeze or Hold"):
        suspend(club, "2026-01-05", type="Pause")
    with pytest.raises(NotFound):
        suspend(club, "2026-01-05", agreement=club.agreement_name("M9"))
    with pytest.raises(NotFound):
        end(club, f"{club.unit}/suspensions/{uuid4()}", "2026-01-05")


def test_an_agreement_that_is_over_cannot_be_suspended_and_its_freeze_never_begins(club: Club) -> None:
    club.import_records(record(1, start_date="2024-01-15", term="fixed_12", freeze_from="2026-01-05"))
    with pytest.raises(FailedPrecondition) as refused:
        suspend(club, "2026-01-10")
    assert refused.value.reason == "AGREEMENT_OVER"
    club.facts()
    club.run_day("2026-01-05")
    assert (kinds(club), listed(club)) == ([], [("Rescinded", "2026-01-05")])


def test_agr_4_a_term_that_is_over_expires_and_ends_its_freeze(club: Club) -> None:
    club.import_records(record(1, start_date="2025-01-05", term="fixed_12", schedule="yearly"))
    suspend(club, "2026-01-02")
    club.run_day("2026-01-04")
    assert status(club) == "Freeze"
    club.facts()
    club.run_day("2026-01-05")
    assert (status(club), listed(club)) == ("Expired", [("Completed", "2026-01-02")])
    assert kinds(club) == ["agreement.v1.changed", "suspension.v1.ended"]
    club.run_day("2026-01-06")
    assert kinds(club) == []


def test_agr_4_a_fixed_term_with_missed_instalments_does_not_expire_while_it_is_frozen(club: Club) -> None:
    club.import_records(
        record(1, start_date="2025-01-20", term="fixed_13", freeze_from="2026-01-15", freeze_to="2026-03-05")
    )
    club.run_day("2026-01-15")
    club.run_day("2026-03-01")
    assert status(club) == "Freeze"
    club.run_day("2026-03-05")
    assert status(club) == "Active"


def test_agr_4_an_agreement_begins_on_its_first_day(club: Club) -> None:
    club.import_records(record(1, start_date="2026-01-15"))
    assert status(club) == "Pending Start"
    club.run_day("2026-01-15")
    assert status(club) == "Active"


def test_sus_3_lists_show_active_ones_first_page_by_page(club: Club) -> None:
    club.import_records(record(1))
    for start, back in (("2026-01-02", "2026-01-03"), ("2026-01-10", "2026-01-12"), ("2026-02-01", "2026-02-02")):
        suspend(club, start, back)
    club.run_day("2026-01-10")
    assert [one for one, _ in listed(club)] == ["Active-Freeze", "Pending Start", "Completed"]
    found, token = [], ""
    while True:
        page = club.agreements.ListSuspensions(
            pb.ListSuspensionsRequest(parent=club.unit, page_size=1, page_token=token)
        )
        found += [one.status for one in page.suspensions]
        token = page.next_page_token
        if not token:
            break
    assert found == ["Active-Freeze", "Pending Start", "Completed"]


def test_all_3_a_repeated_request_suspends_once(club: Club) -> None:
    club.import_records(record(1))
    suspension = pb.Suspension(agreement=club.agreement_name(), type="Freeze", start_date=day("2026-01-05"))
    request = pb.CreateSuspensionRequest(parent=club.unit, suspension=suspension, request_id=str(uuid4()))
    assert club.agreements.CreateSuspension(request) == club.agreements.CreateSuspension(request)
    assert len(listed(club)) == 1


def test_all_2_the_story_of_an_account_tells_its_agreement_and_its_freezes(club: Club) -> None:
    club.import_records(record(1))
    suspend(club, "2026-01-05", "2026-01-08")
    club.run_day("2026-01-05")
    club.run_day("2026-01-08")
    parent = f"{club.unit}/accounts/{club.account_id()}"
    found, token = [], ""
    while True:
        request = timeline_service_pb2.ListTimelineEntriesRequest(parent=parent, page_size=2, page_token=token)
        page = club.timeline.ListTimelineEntries(request)
        found += [(iso(one.business_date), one.text) for one in page.timeline_entries]
        token = page.next_page_token
        if not token:
            break
    gold = "Gold Monthly (agreement M1)"
    assert found == [
        (
            "2026-01-01",
            (
                "Imported with Gold Monthly at 35.00 USD, monthly on its anniversary, since 2025-03-10; "
                "the next bill date is 2026-01-10."
            ),
        ),
        ("2026-01-01", f"A freeze of {gold} was entered from 2026-01-05 to 2026-01-08, the first day back."),
        ("2026-01-05", f"A freeze of {gold} began on 2026-01-05; the first day back is 2026-01-08."),
        ("2026-01-08", f"The freeze of {gold} ended; 2026-01-08 is the first day back."),
    ]
