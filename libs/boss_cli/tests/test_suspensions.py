"""`boss suspensions`, against an agreements that stands in."""

from typing import Any

import pytest
from boss.agreements.v1 import (
    agreement_service_pb2,
    member_service_pb2,
    member_service_pb2_grpc,
    reason_service_pb2,
    reason_service_pb2_grpc,
    suspension_service_pb2,
    suspension_service_pb2_grpc,
)
from google.type import date_pb2, money_pb2
from stand_ins import Cli, stand_in

UNIT = "enterprises/e/businessUnits/b"
MEMBER = f"{UNIT}/members/m"
START, BACK = date_pb2.Date(year=2026, month=5, day=17), date_pb2.Date(year=2026, month=5, day=31)
DAYS = ("--from", "2026-05-17", "--to", "2026-05-31")
SHOWN = agreement_service_pb2.Suspension(
    name=f"{UNIT}/suspensions/s",
    applied_to="Member",
    status="Active-Travel",
    start_date=START,
    end_date=BACK,
    covered=[agreement_service_pb2.Suspension.Covered(number="A-17")],
    entered_by="anna",
)


@pytest.fixture
def asked(cli: Cli) -> list[Any]:
    """Stand in for agreements with one member and one reason; give what was asked of its suspensions."""
    seen: list[Any] = []

    def keep(answer: Any) -> Any:
        def told(request: Any) -> Any:
            seen.append(type(request).FromString(request.SerializeToString()))
            return answer

        return told

    money = money_pb2.Money(currency_code="USD", units=5)
    preview = suspension_service_pb2.SuspensionPreview(
        effects=["Prevents activity use."],
        agreements=[
            suspension_service_pb2.SuspensionPreview.AffectedAgreement(
                agreement=SHOWN.covered[0],
                bills=[suspension_service_pb2.SuspensionPreview.Bill(due_date=START, item="Freeze fee", amount=money)],
            )
        ],
        activities=[
            suspension_service_pb2.SuspensionPreview.AffectedActivity(
                item="Training", remaining_units="3", expiry_date=BACK, locked=True
            )
        ],
    )

    def members(request: Any) -> Any:
        found = [member_service_pb2.Member(name=MEMBER)] if request.external_id == "M1" else []
        return member_service_pb2.ListMembersResponse(members=found)

    def reasons(request: Any) -> Any:
        travel = reason_service_pb2.SuspensionReason(name=f"{UNIT}/suspensionReasons/r", display_name="Travel")
        return reason_service_pb2.ListSuspensionReasonsResponse(suspension_reasons=[travel])

    listed = agreement_service_pb2.ListSuspensionsResponse(suspensions=[SHOWN])
    cli.add(
        "agreements",
        stand_in(member_service_pb2_grpc, "MemberService", ListMembers=members),
        stand_in(reason_service_pb2_grpc, "ReasonService", ListSuspensionReasons=reasons),
        stand_in(
            suspension_service_pb2_grpc,
            "SuspensionService",
            ListSuspensions=keep(listed),
            PreviewSuspension=keep(preview),
            CreateSuspension=keep(SHOWN),
            EndSuspension=keep(SHOWN),
        ),
    )
    return seen


def test_sus_3_a_members_suspensions_are_listed(cli: Cli, asked: list[Any]) -> None:
    result = cli.run("suspensions", "list", "--member", "M1")
    assert result.exit_code == 0, result.output
    assert "Active-Travel" in result.stdout
    assert asked[0].member == MEMBER


def test_a_preview_shows_effects_bills_and_activities(cli: Cli, asked: list[Any]) -> None:
    result = cli.run("suspensions", "preview", "M1", *DAYS, "--reason", "Travel")
    assert result.exit_code == 0, result.output
    assert all(text in result.stdout for text in ("Prevents activity use.", "Freeze fee", "5.00 USD", "Training"))
    suspension = asked[0].suspension
    assert (suspension.applied_to, suspension.member) == ("Member", MEMBER)
    assert (suspension.suspension_reason, suspension.end_date) == (f"{UNIT}/suspensionReasons/r", BACK)


def test_sus_1_a_member_is_suspended_and_brought_back(cli: Cli, asked: list[Any]) -> None:
    result = cli.run("suspensions", "start", "M1", "--from", "2026-05-17", "--type", "Hold", "--comments", "Knee")
    assert result.exit_code == 0, result.output
    assert (asked[0].suspension.type, asked[0].suspension.comments) == ("Hold", "Knee")
    assert not asked[0].suspension.HasField("end_date")
    result = cli.run("suspensions", "end", SHOWN.name, "--on", "2026-05-31")
    assert result.exit_code == 0, result.output
    assert (asked[1].name, asked[1].end_date) == (SHOWN.name, BACK)


def test_who_and_what_is_not_there_is_said(cli: Cli, asked: list[Any]) -> None:
    result = cli.run("suspensions", "list", "--member", "M2")
    assert result.exit_code == 1
    assert "no member 'M2'" in result.output
    result = cli.run("suspensions", "preview", "M1", *DAYS, "--reason", "Moon")
    assert "there are: Travel" in result.output
    assert asked == []
