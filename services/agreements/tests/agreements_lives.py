"""Random lives of agreements on the real service and its database, through its doors.

A seed plays two years of a club: agreements of several kinds are sold, suspended, cancelled, rewritten, expire and take
their add-ons along, while bills are run late, answered late or refused. What was asked is remembered here; what the
service made of it is read back, and what a member would complain about is an assertion.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from agreements_catalogue import CANCEL_REASON, GROUP, PART, RULES
from agreements_club import Club, cents, day, fact_event, iso, usd
from agreements_desk import Writer
from agreements_frozen import Desk
from agreements_wizard import Wizard
from boss.agreements.v1 import agreement_writer_service_pb2 as writer_pb
from boss.agreements.v1 import cancellation_service_pb2 as cancellation_pb
from boss.agreements.v1 import reason_service_pb2 as reason_pb
from boss.agreements.v1 import rewrite_service_pb2 as rewrite_pb
from boss.agreements.v1 import rewrite_service_pb2_grpc as rewrite_grpc
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.suspensions.rules import Window, union
from boss_kit.errors import FailedPrecondition, InvalidArgument

ONE = timedelta(days=1)
FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
ACCESS, LOCKER, FEES = "Gym access", "Locker", ("Freeze fee", "Freeze dues")
ALIVE, OVER = ("Pending Start", "Active", "Freeze", "Hold"), ("Cancelled", "Expired")
MONTHLY = ("monthly_anniversary", "monthly_on_1", "monthly_on_15", "monthly_on_31")
OTHERS = ("weekly", "every_2_weeks", "every_5_weeks", "every_2_months", "every_3_months", "yearly")
STORIES_MAX = 9


@dataclass(frozen=True)
class Paid:
    """A charge that billing took, or refused for good."""

    agreement: str
    item: str
    start: date
    end: date
    at_sale: bool = False


@dataclass
class Story:
    """An agreement under all the numbers it had, and what its owner was told."""

    names: list[str]
    owner: str
    plan: str
    first_bill: date
    head: "Story | None" = None
    months: int = 0
    schedule: str = ""
    final: date | None = None
    cancellation: Any = None
    has_locker: bool = False
    over_since: date | None = None
    instalments: int = 0
    was_moved: bool = False
    dropped: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Its present number's."""
        return self.names[-1]

    @property
    def is_monthly(self) -> bool:
        """Tell whether it bills every month, on whatever day."""
        return self.schedule in MONTHLY


class Lives:
    """A club that lives by a seed."""

    def __init__(self, club: Club, seed: int) -> None:
        self.club, self.random, self.today = club, Random(seed), FIRST
        club.set_clock(FIRST.isoformat())
        self.desk, self.wizard = Desk(club), Wizard(club)
        self.writer = Writer(club, club.billing, club.sales)
        self.rewriter = club.server.stub(rewrite_grpc.RewriteServiceStub)
        self.stories: list[Story] = []
        self.suspensions: list[str] = []
        self.keys: dict[str, tuple[date, int]] = {}
        self.open_charges: list[Any] = []
        self.paid: list[Paid] = []
        self.sale_invoices = 0
        self.ended_as: dict[str, str] = {}
        self._make_catalogue()

    def _make_catalogue(self) -> None:
        catalogue = self.writer.catalogue
        access = catalogue.item(ACCESS, term_months=6)
        locker = catalogue.item(LOCKER, kind="rental", price=usd(1234))
        self.bundle = catalogue.bundle(access)
        self.locker = locker
        limits = catalogue.create(RULES(display_name="Rules", renewal_before_days=60, renewal_after_days=60))
        self.definition = catalogue.definition(
            PART(bundle=self.bundle.name, required="Select One"),
            PART(item=locker.name, required="Optional", billing="perpetual"),
            owner_qualifies_as_member=True,
            prorates_first_days=True,
            agreement_rules=limits.name,
        )
        catalogue.apply(self.definition)
        self.writer.parts = {"definition": self.definition, "bundle": self.bundle, "fee": locker}
        follow = {"on_expiry": "follow", "on_suspension": "follow"}
        self.group = catalogue.create(GROUP(display_name="Family", type="Family", add_ons_allowed=True, **follow))
        fees = [catalogue.item(name, kind="fee", price=usd(500)).name for name in FEES]
        self.desk.reason("All")
        self.desk.reason("Fees", freeze_charge_item=fees[0], recurring_charge_item=fees[1])
        self.desk.reason("Locks", type="Hold", stop_billing=False)
        self.rewriting = catalogue.create(CANCEL_REASON(display_name="Changes", rewrite=True))
        self.wizard.usual = self.wizard.reason(display_name="Moving")
        every = reason_pb.LinkChoice(select_all=True)
        catalogue.stub("CancelReason").SetDefinitionReasons(
            reason_pb.SetDefinitionReasonsRequest(
                definition=self.definition.name, cancel_reasons=every, suspension_reasons=every, request_id=str(uuid4())
            )
        )

    def play(self) -> None:
        """Live to the end of the two years."""
        self.sell(plan="perpetual")
        self.sell(plan="instalment")
        while self.today < LAST:
            for _ in range(self.random.randint(1, 3)):
                self.act()
            self.go_on(self.random.randint(1, 12))

    def act(self) -> None:
        """Do something at the desk; what can't be is refused with its reason."""
        actions: list[Callable[[], None]] = [
            *(self.suspend, self.suspend, self.edit, self.end, self.rescind_suspension),
            *(self.cancel, self.cancel_locker, self.rescind, self.rewrite, self.rewrite, self.renew, self.sell),
        ]
        action = self.random.choice(actions)
        if action in (self.edit, self.end, self.rescind_suspension) and not self.suspensions:
            return
        with suppress(FailedPrecondition, InvalidArgument):
            action()

    # What is done at the desk.

    def sell(self, plan: str = "") -> None:
        """Sell a membership, or an add-on to one that runs."""
        if len(self.stories) >= STORIES_MAX:
            return
        plan = plan or self.random.choice(["perpetual", "perpetual", "instalment", "paid_in_full"])
        heads = [one for one in self.stories if one.head is None and one.over_since is None]
        head = self.random.choice(heads) if heads and self.random.random() < 0.5 else None
        owner = self.writer.add_member(f"L{len(self.stories)}")
        start = self.today + ONE * self.random.choice([0, 0, 0, 5, 20])
        schedule = self.random.choice(self.random.choice([MONTHLY, OTHERS]))
        locker = self.random.random() < 0.4
        lines = [writer_pb.DraftLine(bundle=self.bundle.name)]
        lines += [writer_pb.DraftLine(item=self.locker.name, billing="perpetual")] if locker else []
        grouped = {"group": self.group.name} if head is None else {"role": "Add-on", "primary_agreement": head.name}
        account = f"{self.club.unit}/accounts/{self.club.account_id(f'L{len(self.stories)}')}"
        sold = self.writer.finalize(
            self.writer.draft(
                definition=self.definition.name,
                owner=owner,
                account=account,
                funding_source=self.writer.source(account),
                lines=lines,
                start_date=day(start.isoformat()),
                schedule=schedule,
                payment_plan=plan,
                **grouped,
            )
        )
        months = 0 if plan == "perpetual" else 6
        story = Story([sold.agreement], owner, plan, start, head, months, schedule, has_locker=locker)
        self.stories.append(story)
        self._take_sale()
        found = self.desk.agreement(sold.agreement)
        mine = [one for one in self.paid if one.agreement == sold.agreement and one.item == ACCESS]
        story.instalments = found.lines[0].remaining_cycles + len(mine)
        story.first_bill = min(one.start for one in mine) if mine else _day(found.lines[0].next_bill_date)

    def suspend(self) -> None:
        """Suspend an agreement or its owner."""
        story = self._any()
        start = self.today + ONE * self.random.randint(0, 40)
        end = (start + ONE * self.random.randint(1, 60)).isoformat()
        reason = self.random.choice(list(self.desk.reasons.values())).name
        target = self.random.choice([{"agreement": story.name}, {"member": story.owner, "applied_to": "Member"}])
        asked = {"suspension_reason": reason} | target
        made = self.desk.suspend(start.isoformat(), self.random.choice([end, end, None]), **asked)
        self.suspensions.append(made.name)

    def edit(self) -> None:
        """Move the days of a suspension."""
        fields = self.random.choice([("end_date",), ("start_date", "end_date")])
        self.desk.change(self._any_suspension(), **{name: self._ahead(60) for name in fields})

    def end(self) -> None:
        """Set the first day back."""
        self.desk.end(self._any_suspension(), self._ahead(5))

    def rescind_suspension(self) -> None:
        """Take a suspension back."""
        self.desk.rescind(self._any_suspension())

    def cancel(self) -> None:
        """Cancel an agreement, today or later."""
        story = self._any()
        final = self.today + ONE * self.random.choice([0, 0, 10, 25, 45])
        source = {"funding_source": self.writer.source(self._account_of(story))}
        story.cancellation = self.wizard.request(story.name, final.isoformat(), **source)
        story.final = final

    def cancel_locker(self) -> None:
        """Cancel the item on the side alone."""
        story = self._any()
        lines = [line for line in self.desk.agreement(story.name).lines if line.item == LOCKER and line.state == "live"]
        items = [cancellation_pb.CancelledItem(line_id=line.line_id) for line in lines]
        if items:
            final = self.today + ONE * self.random.choice([0, 20])
            source = {"funding_source": self.writer.source(self._account_of(story))}
            self.wizard.request(story.name, final.isoformat(), items=items, **source)
            story.dropped.add(LOCKER)

    def rescind(self) -> None:
        """Take a cancellation back."""
        story = self._any()
        if story.cancellation is not None:
            self.wizard.rescind(story.cancellation)
            story.cancellation = story.final = None

    def rewrite(self) -> None:
        """Rewrite an agreement as it is, or to another bill date."""
        story = self._any()
        schedule = self.random.choice(
            ["", "monthly_anniversary", "monthly_on_10"] if story.is_monthly else ["", story.schedule]
        )
        self._rewrite(story, schedule=schedule)
        story.was_moved = story.was_moved or bool(schedule)

    def renew(self) -> None:
        """Renew a fixed term, before its end or a while after it."""
        fixed = [one for one in self.stories if one.plan != "perpetual"]
        if fixed:
            story = self.random.choice(fixed[-3:])
            made = self._rewrite(story, purpose="renewal")
            # The days between the end and a late renewal are nobody's.
            story.was_moved = story.was_moved or story.over_since is not None
            story.over_since = None
            mine = [one for one in self.paid if one.agreement in story.names and one.item == ACCESS]
            story.instalments = made.after.lines[0].remaining_cycles + len(mine)

    def _rewrite(self, story: Story, **values: Any) -> Any:
        asked = rewrite_pb.Rewrite(agreement=story.name, reason_id=self.rewriting.name.rpartition("/")[2], **values)
        request = rewrite_pb.RewriteAgreementRequest(parent=self.club.unit, rewrite=asked, request_id=str(uuid4()))
        made = self.rewriter.RewriteAgreement(request)
        story.names.append(made.after.name)
        story.cancellation = story.final = None
        return made

    # What happens on its own.

    def go_on(self, days: int) -> None:
        """Let days pass: the jobs of a day, the answers that are late, a bill run; some days nobody runs the bills."""
        self.today += ONE * days
        text = self.today.isoformat()
        self.club.set_clock(text)
        steps = [lambda: self._live_through(text), self._bill]
        if self.random.random() < 0.3:
            steps.reverse()
        for step in steps:
            step()
        self._look()

    def _live_through(self, text: str) -> None:
        """Run the jobs of a day."""
        self.club.run_day(text)
        self.wizard.run_day(text)

    def _bill(self) -> None:
        """Hear late answers, and run the bills or not."""
        self._answer()
        if self.random.random() < 0.8:
            self._list()
            if self.random.random() < 0.8:
                self._answer()

    def _list(self) -> None:
        """Run the bills of a day: what is listed again costs what it cost, and nothing suspended is listed."""
        waiting = {one.charge_key for one in self.open_charges}
        stops = self._stops()
        charges = self.desk.due(self.today.isoformat())
        for one in charges:
            due, amount = _day(one.due_date), cents(one.amount)
            assert one.charge_key not in self.keys or one.charge_key in waiting, "billed twice"
            assert self.keys.setdefault(one.charge_key, (due, amount)) == (due, amount), "the charge changed"
            name = f"{self.club.unit}/agreements/{one.agreement_id}"
            if one.item not in FEES:
                assert not any(window.holds(due) for window in stops.get(name, ())), "billed while suspended"
        assert waiting <= {one.charge_key for one in charges}, "what is being billed is listed until it is answered"
        self.open_charges = charges

    def _answer(self) -> None:
        """Answer what was listed, a few charges with a refusal."""
        facts = []
        for one in self.open_charges:
            name = f"{self.club.unit}/agreements/{one.agreement_id}"
            fact: Any = billing_events_pb2.ChargeBilled(charge_key=one.charge_key, agreement=name, invoice="invoice")
            if self.random.random() < 0.03:
                fact = billing_events_pb2.ChargeRefused(charge_key=one.charge_key, agreement=name, reason="No")
            facts.append(fact_event("billing", fact, UUID(one.account_id), self.today.isoformat()))
            self.paid.append(Paid(name, one.item, _day(one.period_start_date), _day(one.period_end_date)))
        if facts:
            self.club.feed(*facts)
        self.open_charges = []
        assert self.club.parked() == []

    def _look(self) -> None:
        """Read every agreement: what is over stays over, once."""
        for story in self.stories:
            status = self.desk.agreement(story.name).status
            if story.over_since is not None:
                assert status == self.ended_as[story.name], "an agreement ends once"
            elif status in OVER:
                story.over_since = self.today
                self.ended_as[story.name] = status

    # What is read back.

    def _take_sale(self) -> None:
        """Count what the sale itself invoiced."""
        invoices = list(self.club.billing.invoices.values())
        for invoice in invoices[self.sale_invoices :]:
            for line in invoice.lines:
                assert line.charge_key not in self.keys
                self.keys[line.charge_key] = (_day(line.period_start_date), cents(line.amount))
                period = _day(line.period_start_date), _day(line.period_end_date)
                self.paid.append(Paid(invoice.agreement, line.item, *period, at_sale=True))
        self.sale_invoices = len(invoices)

    def _stops(self) -> dict[str, tuple[Window, ...]]:
        """Read when each agreement isn't billed."""
        query = sa.text(
            "SELECT agreement_id, start_date, end_date FROM suspended_agreement"
            " WHERE stop_billing AND status <> 'rescinded'"
        )
        found: dict[str, list[Window]] = defaultdict(list)
        with self.club.units.engine.connect() as connection:
            for row in connection.execute(query):
                window = Window(row.start_date, row.end_date)
                found[f"{self.club.unit}/agreements/{row.agreement_id}"].append(window)
        return {name: union(windows) for name, windows in found.items()}

    def _any(self) -> Story:
        alive = [one for one in self.stories if one.over_since is None]
        return self.random.choice(alive or self.stories)

    def _any_suspension(self) -> str:
        return self.random.choice(self.suspensions[-4:])

    def _ahead(self, most: int) -> str:
        return (self.today + ONE * self.random.randint(0, most)).isoformat()

    def _account_of(self, story: Story) -> str:
        return str(self.desk.agreement(story.name).account)

    # What has to be true in the end.

    def bring_to_an_end(self) -> None:
        """Let everybody come back and be billed, then cancel all that still runs, add-ons first."""
        for one in self.desk.listed(page_size=500):
            if one.status == "Pending Start":
                self.desk.rescind(one.name)
            elif one.status.startswith("Active"):
                self.desk.end(one.name, self.today.isoformat())
        before = self.today
        for _ in range(9):
            self._list()
            self._answer()
            self.go_on(7)
        self._list()
        self._answer()
        for story in self.stories:
            if story.over_since is None and story.final is None:
                self._bills_on(story, before)
        for story in sorted(self.stories, key=lambda one: one.head is None):
            self._cancel_now(story)
        for days in (1, 1, 40, 400):
            self.go_on(days)
            self._list()
            self._answer()
        assert self.desk.due(self.today.isoformat()) == [], "nothing is due of what is over"
        for story in self.stories:
            found = self.desk.agreement(story.name)
            assert (found.status in OVER, found.pending_cancellation, found.pending_suspension) == (True, False, False)

    def _bills_on(self, story: Story, since: date) -> None:
        """See that an agreement that runs was billed lately, or has all its instalments paid."""
        found = self.desk.agreement(story.name)
        keys = [line for line in found.lines if line.is_key_item and line.state == "live"]
        if story.plan == "perpetual":
            assert any(one.item == ACCESS and one.agreement in story.names for one in self.paid), "it was never billed"
            assert all(_day(line.next_bill_date) > since for line in keys), "it bills on"
        assert keys, "an agreement that runs has its Key Item"

    def _cancel_now(self, story: Story) -> None:
        if story.over_since is not None:
            return
        if story.final is not None and story.final >= self.today:
            found = self.wizard.get(story.cancellation)
            if found.status != "Future":
                return
            self.wizard.rescind(story.cancellation)
            story.final = None
        if story.final is None:
            source = {"funding_source": self.writer.source(self._account_of(story))}
            story.cancellation = self.wizard.request(story.name, self.today.isoformat(), **source)
            story.final = self.today

    def check(self) -> None:
        """See that no day was billed twice, and none that was due was left out."""
        stops = self._stops()
        for story in self.stories:
            suspended = union(window for name in story.names for window in stops.get(name, ()))
            for item in (ACCESS, LOCKER):
                mine = [one for one in self.paid if one.agreement in story.names and one.item == item]
                self._check_item(story, item, sorted(mine, key=lambda one: one.start), suspended)

    def _check_item(self, story: Story, item: str, mine: Sequence[Paid], suspended: Sequence[Window]) -> None:
        for one in mine:
            assert one.start <= one.end, "a charge pays for a day at least"
        for before, after in pairwise(mine):
            # What was paid in full and ended with its primary before gave the rest back, and may be renewed.
            ended_early = story.plan == "paid_in_full" and story.head and before.agreement != after.agreement
            assert ended_early or before.end < after.start, (
                f"{item} of {story.plan} was paid for twice: {before}, {after}"
            )
        if item == LOCKER:
            # What is paid at the sale may be for days that somebody who cancels before the start never has.
            late = [one for one in mine if one.start > self._last_day(story) and not one.at_sale]
            assert not late, f"{item} was billed for days after the agreement: {late}"
        if item == LOCKER and (story.dropped or not story.has_locker):
            return
        if story.plan == "instalment" and item == ACCESS:
            ended = self.ended_as[story.name]
            assert len(mine) <= story.instalments, "an instalment too many"
            assert ended != "Expired" or story.head is not None or len(mine) == story.instalments, "one was lost"
        # Instalments are parts of a price, not of days: on another day of the month some days have none.
        if not mine or story.plan == "paid_in_full" or (story.plan == "instalment" and story.was_moved):
            return
        last = self._last_day(story)
        paid = {day for one in mine for day in _days(one.start, one.end)}
        first = story.first_bill if item == ACCESS else mine[0].start
        for missing in sorted(set(_days(first, last)) - paid):
            # What is cancelled while it is suspended is back on the day it ends, and pays nothing for that day.
            ended_suspended = missing == last and any(window.end == last for window in suspended)
            assert ended_suspended or any(window.holds(missing) for window in suspended), (
                f"{missing}, a day of {item} of {story.plan}, was never billed; {suspended}, {mine}"
            )

    def _last_day(self, story: Story) -> date:
        """Give the last day an agreement ran."""
        found = self.desk.agreement(story.name)
        assert story.over_since is not None
        if found.HasField("cancel_date"):
            return min(_day(found.cancel_date), story.over_since)
        ends = self._term_ends(story.name)
        return min([*ends, story.over_since]) - ONE

    def _term_ends(self, name: str) -> Sequence[date]:
        query = sa.text(
            "SELECT term_end_date FROM agreement_line"
            " WHERE agreement_id = :a AND is_key_item AND term_end_date IS NOT NULL"
        )
        with self.club.units.engine.connect() as connection:
            return connection.scalars(query, {"a": UUID(name.rpartition("/")[2])}).all()


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE


def _day(message: Any) -> date:
    return date.fromisoformat(iso(message))
