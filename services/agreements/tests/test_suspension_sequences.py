"""Random sequences of requests, edits, bill runs and visits never wedge, double-bill or lose units (SPEC SUS-8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from agreements_catalogue import Catalogue
from agreements_club import Club, iso, usd
from agreements_frozen import GOLD, TRAINING, Desk
from boss.agreements.v1 import activity_service_pb2 as pb

from boss_agreements.activities.rules import extended_expiry
from boss_agreements.suspensions.rules import Window, union
from boss_kit.errors import FailedPrecondition

ALLOWED = pb.CheckInDecision.OUTCOME_ALLOWED
STEPS = 30
FIRST = date(2026, 1, 10)
FEES = ("Freeze fee", "Freeze dues")


@dataclass
class Story:
    """A member's months at the club, played at random by a seed."""

    desk: Desk
    member: str
    agreement: str
    random: Random
    today: date = FIRST
    bills: list[Any] = field(default_factory=list)
    used: Decimal = Decimal(0)
    suspensions: list[str] = field(default_factory=list)
    expiries: dict[str, date] = field(default_factory=dict)

    def days_ahead(self, most: int) -> str:
        return (self.today + timedelta(days=self.random.randint(0, most))).isoformat()

    def suspend(self) -> None:
        start = self.days_ahead(40)
        end = (date.fromisoformat(start) + timedelta(days=self.random.randint(1, 50))).isoformat()
        reason = self.random.choice(list(self.desk.reasons.values())).name
        target = self.random.choice([{"agreement": self.agreement}, {"member": self.member, "applied_to": "Member"}])
        asked = {"suspension_reason": reason} | target
        made = self.desk.suspend(start, self.random.choice([end, end, None]), **asked)
        self.suspensions.append(made.name)

    def edit(self) -> None:
        fields = self.random.choice([("end_date",), ("start_date", "end_date"), ("comments",)])
        values = {name: self.days_ahead(60) for name in fields if name != "comments"}
        self.desk.change(self.random.choice(self.suspensions), **(values or {"comments": "Changed"}))

    def rescind(self) -> None:
        self.desk.rescind(self.random.choice(self.suspensions))

    def end(self) -> None:
        self.desk.end(self.random.choice(self.suspensions), self.days_ahead(5))

    def use(self) -> None:
        units = self.random.choice(["1", "0.5", "2"])
        if self.desk.redeem(self.member, units).outcome == ALLOWED:
            self.used += Decimal(units)
        self.desk.check_in(self.member)

    def play(self) -> None:
        """Go on some days; the runs of those between are missed."""
        self.today += timedelta(days=self.random.randint(1, 9))
        self.desk.club.run_day(self.today.isoformat())
        charges = self.desk.due(self.today.isoformat())
        self.desk.answer(charges, self.today.isoformat())
        stopped = self.windows(lambda one: one.effects.stop_billing)
        for charge in charges:
            if charge.item not in FEES:
                assert not any(window.holds(_day(charge.due_date)) for window in stopped), "billed while suspended"
        self.bills += charges

    def windows(self, wanted: Callable[[Any], bool]) -> Sequence[Window]:
        found = [one for one in self.desk.listed(member=self.member) if one.status != "Rescinded" and wanted(one)]
        return union(
            Window(_day(one.start_date), _day(one.end_date) if one.HasField("end_date") else None) for one in found
        )

    def check(self) -> None:
        keys = [charge.charge_key for charge in self.bills]
        assert len(keys) == len(set(keys)), "billed twice"
        for item in (GOLD, TRAINING):
            paid = [(_day(one.period_start_date), _day(one.period_end_date)) for one in self.bills if one.item == item]
            assert all(first <= last for first, last in paid)
            assert all(before[1] < after[0] for before, after in pairwise(paid)), "a day was paid for twice"
        extending = self.windows(lambda one: one.effects.extend_availability)
        found = [one for one in self.desk.usable(self.member, expired=True) if one.agreement]
        for one in found:
            expiry = _day(one.expiry_date)
            assert expiry >= self.expiries.get(one.name, expiry), "an expiry never moves back"
            self.expiries[one.name] = expiry
            first, paid_until = _day(one.valid_from_date), _day(one.paid_expiry_date)
            assert expiry >= extended_expiry(first, paid_until, extending, self.today)
        packs = [one for one in found if one.item == TRAINING]
        assert sum(Decimal(one.granted_units) - Decimal(one.remaining_units) for one in packs) == self.used
        assert len(packs) == sum(one.item == TRAINING for one in self.bills), "every billed cycle grants its units"


@pytest.mark.parametrize("seed", range(2))
def test_sus_8_random_sequences_never_wedge_double_bill_or_lose_units(club: Club, seed: int) -> None:
    desk = Desk(club)
    member = desk.member()
    club.set_clock(FIRST.isoformat())
    _make_reasons(desk, Catalogue(club))
    story = Story(desk, member, desk.sell(member, FIRST.isoformat(), TRAINING), Random(seed))
    actions = [story.suspend] * 3 + [story.edit] * 3 + [story.end] * 2 + [story.rescind, story.use, story.use]
    for _ in range(STEPS):
        for action in story.random.sample(actions, 2):
            if story.suspensions or action in (story.suspend, story.use):
                try:
                    action()
                except FailedPrecondition:
                    continue
        story.play()
        story.check()
    assert story.used
    _never_wedged(story)


def _make_reasons(desk: Desk, catalogue: Catalogue) -> None:
    fees = [catalogue.item(name, kind="fee", price=usd(500)).name for name in FEES]
    desk.reason("All")
    desk.reason("Fees", freeze_charge_item=fees[0], recurring_charge_item=fees[1])
    desk.reason("Locks", stop_billing=False)
    desk.reason("Stops", prevent_activity_use=False, extend_availability=False)


def _never_wedged(story: Story) -> None:
    """Whatever happened, suspensions can be taken back or ended, and then the agreement bills and can be used."""
    for one in story.desk.listed(member=story.member):
        if one.status == "Pending Start":
            story.desk.rescind(one.name)
        elif one.status.startswith("Active"):
            assert story.desk.end(one.name, story.today.isoformat()).status == "Completed"
    assert story.desk.agreement(story.agreement).status == "Active"
    billed_before = len(story.bills)
    for _ in range(12):
        story.play()
        story.check()
    assert {one.item for one in story.bills[billed_before:]} >= {GOLD, TRAINING}
    assert story.desk.check_in(story.member).outcome == ALLOWED


def _day(message: Any) -> date:
    return date.fromisoformat(iso(message))
