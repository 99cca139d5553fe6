"""Activities: what cycles grant, how it is used, why a check-in is denied (SPEC AGR-11, SUS-5)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_club import Club, add_unit, day, fact_event, iso
from agreements_frozen import GOLD, TRAINING, Desk, access, training
from boss.agreements.v1 import activity_service_pb2 as pb
from boss.events.billing.v1 import billing_events_pb2
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.activities import commands
from boss_agreements.activities.queries import units_left
from boss_agreements.activities.rules import Activity, extended_expiry, take
from boss_agreements.agreements import store
from boss_agreements.suspensions.rules import Window
from boss_kit.context import Context
from boss_kit.errors import InvalidArgument, NotFound, PermissionDenied
from boss_kit.ids import new_id

ALLOWED, DENIED = pb.CheckInDecision.OUTCOME_ALLOWED, pb.CheckInDecision.OUTCOME_DENIED


@pytest.fixture
def desk(club: Club) -> Desk:
    return Desk(club)


@pytest.fixture
def member(desk: Desk) -> str:
    return desk.member()


def buy(desk: Desk, member: str, item: str, units: str, expiry: str, **values: Any) -> Any:
    start = values.pop("valid_from", None)
    activity = pb.Activity(
        item=item,
        kind=values.pop("kind", "service"),
        granted_units=units,
        expiry_date=day(expiry),
        valid_from_date=day(start) if start else None,
    )
    request_id = values.pop("request_id", str(uuid4()))
    return desk.activities.CreateActivityPurchase(
        pb.CreateActivityPurchaseRequest(parent=member, activity=activity, request_id=request_id)
    )


def denials(desk: Desk, member: str = "") -> list[tuple[str, str]]:
    request = pb.ListCheckInDecisionsRequest(parent=desk.club.unit, member=member, denied_only=True)
    found = desk.activities.ListCheckInDecisions(request).check_in_decisions
    return [(one.reason, one.description) for one in found]


def test_agr_11_a_billed_cycle_grants_units_to_the_end_of_the_paid_cycle_and_unlimited_access(
    desk: Desk, member: str
) -> None:
    agreement = desk.sell(member, "2026-01-10", TRAINING)
    assert desk.usable(member) == []
    assert len(desk.play("2026-01-10")) == 2
    found = {one.item: one for one in desk.usable(member)}
    assert (found[TRAINING].granted_units, found[TRAINING].remaining_units, found[TRAINING].kind) == (
        "4",
        "4",
        "service",
    )
    assert (found[GOLD].granted_units, found[GOLD].remaining_units, found[GOLD].kind) == ("", "", "access")
    for one in found.values():
        assert (iso(one.valid_from_date), iso(one.expiry_date)) == ("2026-01-10", "2026-02-09")
        assert (one.agreement, one.member, one.locked) == (agreement, member, False)


def test_agr_11_units_have_their_own_validity_where_the_item_says_so(desk: Desk, member: str) -> None:
    agreement_id = new_id()
    lines = [access(agreement_id, "2026-01-10"), training(agreement_id, "2026-01-10", validity_days=90)]
    desk.add(member.split("/"), agreement_id, lines, "2026-01-10", {})
    desk.play("2026-01-10")
    assert desk.expiries(member) == ["2026-04-09"]


def test_agr_11_a_charge_grants_once_however_often_its_answer_comes_and_a_refused_one_grants_nothing(
    desk: Desk, member: str
) -> None:
    agreement = desk.sell(member, "2026-01-10", TRAINING)
    charges = desk.due("2026-01-10")
    account = desk.club.account_id()
    for charge in charges * 2:
        fact = billing_events_pb2.ChargeBilled(charge_key=charge.charge_key, agreement=agreement, invoice="invoice")
        desk.club.feed(fact_event("billing", fact, account, "2026-01-10"))
    assert len(desk.usable(member)) == 2
    for charge in desk.due("2026-02-10"):
        refused = billing_events_pb2.ChargeRefused(
            charge_key=charge.charge_key, agreement=agreement, reason="No account"
        )
        desk.club.feed(fact_event("billing", refused, account, "2026-02-10"))
    assert len(desk.usable(member, expired=True)) == 2


def test_agr_11_redemption_takes_the_earliest_expiring_units_first(desk: Desk, member: str) -> None:
    buy(desk, member, TRAINING, "5", "2026-12-31")
    desk.club.set_clock("2026-01-02")
    buy(desk, member, TRAINING, "2", "2026-02-28")
    assert desk.redeem(member, "3").outcome == ALLOWED, "what was bought first is good longer"
    assert [(iso(one.expiry_date), one.remaining_units) for one in desk.usable(member)] == [
        ("2026-02-28", "0"),
        ("2026-12-31", "4"),
    ]


def test_agr_11_a_check_in_goes_by_unlimited_access_before_it_takes_a_unit(desk: Desk, member: str) -> None:
    buy(desk, member, "Day pass", "2", "2026-03-01", kind="access")
    assert desk.check_in(member).outcome == ALLOWED
    desk.sell(member, "2026-01-10")
    desk.play("2026-01-10")
    for _ in range(3):
        assert desk.check_in(member).outcome == ALLOWED
    assert [one.remaining_units for one in desk.usable(member) if one.item == "Day pass"] == ["1"]


def test_agr_11_units_may_be_parts_and_never_fall_below_none(desk: Desk, member: str) -> None:
    buy(desk, member, TRAINING, "1.5", "2026-03-01")
    assert desk.redeem(member, "1").outcome == ALLOWED
    denied = desk.redeem(member, "1")
    assert (denied.outcome, denied.reason) == (DENIED, "NO_UNITS_LEFT")
    assert denied.description == "1 unit is asked for of Training, but 0.5 units are left."
    assert desk.redeem(member, "0.5").outcome == ALLOWED
    for units in ("0", "-1", "0.0001", "many", "NaN", "1e9"):
        with pytest.raises(InvalidArgument):
            desk.redeem(member, units)


def test_agr_11_each_denial_says_why_and_is_kept(desk: Desk, member: str) -> None:
    desk.check_in(member)
    buy(desk, member, TRAINING, "1", "2026-01-31", valid_from="2026-01-20")
    desk.redeem(member)
    desk.club.set_clock("2026-02-05")
    desk.redeem(member)
    agreement = desk.sell(member, "2026-02-05", TRAINING)
    desk.play("2026-02-05")
    desk.redeem(member, "4")
    desk.redeem(member)
    desk.suspend("2026-02-06", "2026-02-20", agreement=agreement)
    desk.club.run_day("2026-02-07")
    desk.check_in(member)
    desk.club.run_day("2026-02-20")
    ids = agreement.split("/")
    with desk.club.units.begin(Context(UUID(ids[1]))) as tx:
        lines = list(units_left(tx, UUID(ids[1]), _line_ids(desk, agreement)))
        taken = commands.take_back(tx, date(2026, 2, 20), UUID(ids[1]), _line_ids(desk, agreement), "Cancelled")
    assert (len(lines), taken) == (1, 2)
    desk.check_in(member)
    assert denials(desk, member)[::-1] == [
        ("NO_ACTIVITY", "The member has no access."),
        ("NOT_YET_VALID", "Training begins on 2026-01-20."),
        ("EXPIRED", "Training expired on 2026-01-31."),
        ("NO_UNITS_LEFT", "1 unit is asked for of Training, but 0 units are left."),
        ("SUSPENDED", "Gold access is suspended from 2026-02-06 to 2026-02-20, the first day back."),
        ("CANCELLED", "Gold access ended on 2026-02-20: Cancelled."),
    ]
    assert denials(desk) == denials(desk, member)


def test_agr_11_a_club_may_deny_or_alert_by_status(desk: Desk, member: str) -> None:
    agreement = desk.sell(member, "2026-01-02")
    desk.play("2026-01-02")

    def act(status: str, action: str) -> None:
        desk.activities.UpdateCheckInAction(
            pb.UpdateCheckInActionRequest(
                parent=desk.club.unit,
                check_in_action=pb.CheckInAction(status=status, action=action),
                request_id=str(uuid4()),
            )
        )

    act("Member", "Alert")
    allowed = desk.check_in(member)
    assert (allowed.outcome, allowed.description) == (ALLOWED, "The member's status is Member.")
    act("Freeze", "Deny")
    assert desk.check_in(member).outcome == ALLOWED
    desk.suspend("2026-01-02", agreement=agreement, suspension_reason="none", type="Freeze")
    denied = desk.check_in(member)
    assert (denied.outcome, denied.reason) == (DENIED, "STATUS_DENIED")
    assert "Freeze" in denied.description
    shown = desk.activities.ListCheckInActions(pb.ListCheckInActionsRequest(parent=desk.club.unit, page_size=1))
    assert [(one.status, one.action) for one in shown.check_in_actions] == [("Freeze", "Deny")]
    assert shown.next_page_token
    with pytest.raises(InvalidArgument, match="None, Alert or Deny"):
        act("Hold", "Maybe")


def test_agr_11_what_was_bought_outside_an_agreement_is_suspended_through_the_member_only(
    desk: Desk, member: str
) -> None:
    agreement = desk.sell(member, "2026-01-10")
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    buy(desk, member, TRAINING, "3", "2026-03-31")
    desk.suspend("2026-01-12", "2026-01-20", agreement=agreement)
    desk.suspend("2026-01-12", "2026-01-20", account=account, applied_to="Account")
    desk.club.run_day("2026-01-15")
    assert desk.redeem(member).outcome == ALLOWED
    desk.club.run_day("2026-01-20")
    assert desk.expiries(member) == ["2026-03-31"]
    desk.suspend("2026-02-01", "2026-02-15", member=member, applied_to="Member")
    desk.club.run_day("2026-02-01")
    assert desk.redeem(member).reason == "SUSPENDED"
    desk.club.run_day("2026-02-15")
    assert desk.expiries(member) == ["2026-04-13"]
    assert desk.redeem(member).outcome == ALLOWED


def test_agr_11_lists_are_read_page_by_page(desk: Desk, member: str) -> None:
    for number in range(1, 4):
        buy(desk, member, f"Pack {number}", "1", f"2026-0{4 - number}-01")
    found, token = [], ""
    while True:
        page = desk.activities.ListActivities(pb.ListActivitiesRequest(parent=member, page_size=2, page_token=token))
        found += [one.item for one in page.activities]
        token = page.next_page_token
        if not token:
            break
    assert found == ["Pack 3", "Pack 2", "Pack 1"]


def test_agr_11_desks_that_redeem_at_once_take_no_unit_twice(desk: Desk, member: str) -> None:
    buy(desk, member, TRAINING, "3", "2026-03-31")
    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(lambda _: desk.redeem(member).outcome, range(9)))
    assert answers.count(ALLOWED) == 3
    assert [one.remaining_units for one in desk.usable(member)] == ["0"]


def test_all_3_a_repeated_check_in_redemption_or_purchase_has_one_effect(desk: Desk, member: str) -> None:
    same = str(uuid4())
    assert buy(desk, member, TRAINING, "3", "2026-03-31", request_id=same) == buy(
        desk, member, TRAINING, "3", "2026-03-31", request_id=same
    )
    assert desk.redeem(member, request_id=same) == desk.redeem(member, request_id=same)
    assert desk.check_in(member, request_id=same) == desk.check_in(member, request_id=same)
    assert [one.remaining_units for one in desk.usable(member)] == ["2"]
    assert len(denials(desk, member)) == 1


def test_what_cannot_be_granted_is_refused_with_its_field(desk: Desk, member: str) -> None:
    for values in ({"kind": "product"}, {"units": "0"}, {"expiry": "2025-12-31"}, {"item": ""}):
        usual = {"item": TRAINING, "units": "1", "expiry": "2026-02-01"} | values
        with pytest.raises(InvalidArgument):
            buy(desk, member, usual.pop("item"), usual.pop("units"), usual.pop("expiry"), **usual)
    other = add_unit(desk.club, "Boulder Club", "America/Denver").name
    with pytest.raises(NotFound):
        desk.check_in(member.replace(desk.club.unit, other))


def test_front_desk_checks_in_and_an_auditor_does_not(desk: Desk, member: str) -> None:
    node = desk.club.unit
    desk.token = desk.club.tokens.token("tom", ["front_desk"], [node])
    assert desk.check_in(member).outcome == DENIED
    desk.token = desk.club.tokens.token("ada", ["auditor"], [node])
    assert desk.usable(member) == []
    with pytest.raises(PermissionDenied):
        desk.check_in(member)


def window(start: str, end: str | None) -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end) if end else None)


@pytest.mark.parametrize(
    ("windows", "today", "expected"),
    [
        ([("2026-05-17", "2026-05-31")], "2026-05-31", "2026-06-22"),
        ([("2026-05-17", "2026-06-17")], "2026-06-17", "2026-07-09"),
        # Not before it is over, and not with an open end.
        ([("2026-05-17", "2026-05-31")], "2026-05-30", "2026-06-09"),
        ([("2026-05-17", None)], "2026-12-31", "2026-06-09"),
        # One day moves by nothing, and nothing moves back.
        ([("2026-05-17", "2026-05-18")], "2026-05-18", "2026-06-09"),
        # What expired before the start stays expired; on the first day it isn't yet.
        ([("2026-06-10", "2026-06-20")], "2026-06-20", "2026-06-09"),
        ([("2026-06-09", "2026-06-19")], "2026-06-19", "2026-06-18"),
        # Granted inside: the overlap only. 5/10 to 5/19 are nine days.
        ([("2026-05-01", "2026-05-20")], "2026-05-20", "2026-06-18"),
        # Overlapping and touching ones are one over their union; two apart are two.
        ([("2026-05-17", "2026-05-25"), ("2026-05-20", "2026-05-31")], "2026-05-31", "2026-06-22"),
        ([("2026-05-17", "2026-05-24"), ("2026-05-24", "2026-05-31")], "2026-05-31", "2026-06-22"),
        ([("2026-05-17", "2026-05-23"), ("2026-05-24", "2026-05-31")], "2026-05-31", "2026-06-20"),
    ],
)
def test_sus_5_the_expiry_moves_by_the_last_suspended_day_less_the_first(
    windows: list[tuple[str, str | None]], today: str, expected: str
) -> None:
    found = extended_expiry(
        date(2026, 5, 10), date(2026, 6, 9), [window(*one) for one in windows], date.fromisoformat(today)
    )
    assert found == date.fromisoformat(expected)


DAY = date(2026, 1, 1)
WINDOWS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60)).map(
        lambda pair: Window(DAY + timedelta(days=pair[0]), DAY + timedelta(days=sum(pair)))
    ),
    max_size=5,
)


@given(st.integers(0, 200), st.integers(0, 60), WINDOWS, WINDOWS, st.integers(0, 300))
def test_sus_5_more_suspensions_never_shorten_what_is_good_and_never_add_more_than_they_last(
    granted: int, good: int, windows: list[Window], more: list[Window], today: int
) -> None:
    first = DAY + timedelta(days=granted)
    expiry, day_now = first + timedelta(days=good), DAY + timedelta(days=today)
    late = DAY + timedelta(days=400)
    assert extended_expiry(first, expiry, windows, day_now) >= expiry
    assert extended_expiry(first, expiry, [*windows, *more], late) >= extended_expiry(first, expiry, windows, late)
    suspended = {one.start + timedelta(days=n) for one in windows if one.end for n in range((one.end - one.start).days)}
    assert (extended_expiry(first, expiry, windows, late) - expiry).days <= len([d for d in suspended if d >= first])


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 30)), max_size=6),
    st.integers(1, 20000),
)
def test_agr_11_taking_units_loses_none_and_takes_the_earliest_expiring_first(
    packs: list[tuple[int, int]], thousandths: int
) -> None:
    usable = [_pack(Decimal(left) / 1000, days) for left, days in packs]
    wanted, left = Decimal(thousandths) / 1000, sum(one.remaining or 0 for one in usable)
    taken = take(usable, wanted)
    assert sum(units for _, units in taken) == min(wanted, left)
    after = {one.id: one for one in usable} | {one.id: one for one, _ in taken}
    assert all((one.remaining or 0) >= 0 for one in after.values())
    for one, units in taken:
        if units and one.remaining:
            later = [other for other, part in taken if other.expiry_date > one.expiry_date and part]
            assert later == [], "nothing is taken of what is good longer while units are left"


def _pack(left: Decimal, days: int) -> Activity:
    expiry = DAY + timedelta(days=days)
    return Activity(
        *(new_id(), UUID(int=1), UUID(int=2), UUID(int=3), None, None, "purchase", TRAINING, "service"),
        *(left, left, DAY, expiry, expiry, None, "", datetime(2026, 1, 1, tzinfo=UTC)),
    )


def _line_ids(desk: Desk, agreement: str) -> list[UUID]:
    ids = agreement.split("/")
    with desk.club.units.read(Context(UUID(ids[1]))) as tx:
        found = store.find(tx.connection, UUID(ids[1]), UUID(ids[3]), UUID(ids[5]))
    assert found is not None
    return [line.id for line in found.lines]
