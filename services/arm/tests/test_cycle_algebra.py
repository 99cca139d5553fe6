"""Whatever comes, in whatever order: one open cycle, no step after the exit, none twice (SPEC ARM-4, ARM-5, ARM-10)."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import sqlalchemy as sa
from arm_facts import Club, account, account_id, item, on
from boss.events.arm.v1 import arm_events_pb2 as arm
from boss.events.v1 import event_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss_kit import schema
from boss_kit.errors import FailedPrecondition

DAYS_MAX = 25
NUMBERS = count(1)
OPERATIONS = st.one_of(
    st.tuples(st.just("day"), st.integers(1, 4)),
    st.tuples(st.just("run"), st.just(0)),
    st.tuples(st.just("hand_over"), st.just(0)),
    st.tuples(st.just("decline"), st.integers(0, 3)),
    st.tuples(st.just("fly"), st.booleans()),
    st.tuples(st.just("pay"), st.just(0)),
    st.tuples(st.just("add"), st.just(0)),
    st.tuples(st.just("remove"), st.just(0)),
    st.tuples(st.just("release"), st.sampled_from(["owes", "paid", "flying"])),
    st.tuples(st.just("sent"), st.integers(0, 5)),
    st.tuples(st.just("answer"), st.sampled_from(["delivered", "bounce", "header", "invalid", "opened", ""])),
    st.tuples(st.just("again"), st.just(0)),
)


@dataclass
class Debtor:
    """One account of an example, and what the world outside knows of it."""

    number: str
    items: list[Any] = field(default_factory=list)
    released: set[tuple[str, int]] = field(default_factory=set)
    sent: set[tuple[str, int]] = field(default_factory=set)
    last_events: list[event_pb2.Event] = field(default_factory=list)


class Play:
    """Plays operations on a debtor through the consumer, the jobs and the API."""

    def __init__(self, club: Club, api: Any, debtor: Debtor) -> None:
        self.club, self.api, self.debtor = club, api, debtor

    def play(self, name: str, value: Any) -> None:
        getattr(self, f"do_{name}")(value)

    def do_day(self, days: int) -> None:
        self.club.go(min(DAYS_MAX, (self.club.day - on(0)).days + days))

    def do_run(self, _: Any) -> None:
        self.club.run()

    def do_hand_over(self, _: Any) -> None:
        self.club.hand_over()

    def do_decline(self, kind: int) -> None:
        """Decline today's invoice or an old one again; the balance comes before or after."""
        number = self.debtor.number
        if not self.debtor.items or kind >= 2:
            self.debtor.items.append(item(number, self.club.day, 2000 + 100 * len(self.debtor.items), declined=True))
        pair = [self.club.decline(number), self.club.balance(number, *self.debtor.items)]
        self._send(pair if kind % 2 else pair[::-1])

    def do_fly(self, in_flight: bool) -> None:
        self._send([self.club.balance(self.debtor.number, *self.debtor.items, in_flight=in_flight)])

    def do_pay(self, _: Any) -> None:
        self.debtor.items.clear()
        self._send([self.club.balance(self.debtor.number)])

    def do_add(self, _: Any) -> None:
        self._try(self.api.add, self.debtor.number)

    def do_remove(self, _: Any) -> None:
        self._try(self.api.remove, self.debtor.number)

    def do_release(self, said: str) -> None:
        """Ask for every step there is; what is refused for a closed cycle must never have been released."""
        name = account(self.debtor.number)
        self.api.billing.past_due[name] = 0 if said == "paid" else 3500
        self.api.billing.in_flight = {name} if said == "flying" else set()
        asked = {fact.step_id: fact for fact in self._requests()}
        if asked:
            for step_id, reason in self.api.release(*asked).items():
                attempt = (step_id, asked[step_id].attempt)
                if not reason:
                    assert attempt in self.debtor.released or asked[step_id].cycle not in self._closed()
                    self.debtor.released.add(attempt)

    def do_sent(self, position: int) -> None:
        steps = sorted(self.debtor.released)
        if steps:
            step_id, attempt = steps[position % len(steps)]
            self.club.sent(step_id, self.debtor.number, attempt)
            self.debtor.sent.add((step_id, attempt))

    def do_answer(self, rule: str) -> None:
        if self.debtor.sent:
            step_id, attempt = max(self.debtor.sent, key=lambda sent: (sent[1], sent[0]))
            self.club.result(step_id, self.debtor.number, rule, attempt=attempt)

    def do_again(self, _: Any) -> None:
        """Deliver the last events once more."""
        if self.debtor.last_events:
            self.club.send("billing", self.debtor.last_events)

    def check(self) -> None:
        """Check what must hold whatever happened."""
        events = [(event.type.rsplit(".", 1)[-1], event) for event in self.club.events()]
        mine = [(kind, event) for kind, event in events if event.key == str(account_id(self.debtor.number))]
        inside, closed = False, set()
        attempts: dict[str, list[int]] = defaultdict(list)
        for kind, event in mine:
            match kind:
                case "opened":
                    assert not inside, "a second cycle while one is open"
                    inside = True
                case "closed":
                    assert inside, "an exit without an entry"
                    inside = False
                    closed.add(arm.CycleClosed.FromString(event.data).cycle)
                case "requested":
                    fact = arm.NotificationRequested.FromString(event.data)
                    assert fact.cycle not in closed, "a step after the exit"
                    attempts[fact.step_id].append(fact.attempt)
        for step_id, found in attempts.items():
            assert found == list(range(len(found))), f"attempts of {step_id}: {found}"
        self._check_rows(inside)

    def _check_rows(self, inside: bool) -> None:
        with self.club.units.engine.connect() as connection:
            of = {"account": account_id(self.debtor.number)}
            open_cycles = connection.scalar(
                sa.text("SELECT count(*) FROM cycle WHERE account_id = :account AND status <> 'closed'"), of
            )
            assert open_cycles == inside
            sent = connection.execute(
                sa.text(
                    "SELECT sum(emails_sent + letters_sent + phone_calls_made) FROM cycle WHERE account_id = :account"
                ),
                of,
            ).scalar()
            # An attempt is counted once; one that is told after a later attempt of its step isn't counted any more.
            latest = Counter(step_id for step_id, _ in self.debtor.sent)
            assert len(latest) <= (sent or 0) <= len(self.debtor.sent)
            twice = sa.text(
                "SELECT count(*) FROM activity WHERE account_id = :account AND step_id IS NOT NULL GROUP BY step_id"
            )
            assert all(number == 1 for number in connection.scalars(twice, of))

    def _requests(self) -> list[Any]:
        name = account(self.debtor.number)
        return [fact for fact in self.club.facts(arm.NotificationRequested) if fact.account == name]

    def _closed(self) -> set[str]:
        return {fact.cycle for fact in self.club.facts(arm.CycleClosed)}

    def _send(self, events: list[event_pb2.Event]) -> None:
        self.debtor.last_events = events
        self.club.send("billing", events)

    def _try(self, call: Any, number: str) -> None:
        try:
            call(number)
        except FailedPrecondition as refused:
            if refused.reason not in {"NO_PAST_DUE_BALANCE", "ALREADY_IN_ARM", "NOT_IN_ARM"}:
                raise


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1), OPERATIONS), min_size=8, max_size=40))
def test_arm_4_arm_5_arm_10_the_algebra_of_cycles(club: Club, ready: Any, steps: list[Any]) -> None:
    with club.units.engine.begin() as connection:
        connection.execute(sa.delete(schema.outbox))
    ready.settings(hand_over_after_days=12)
    club.go(0)
    plays = [Play(club, ready, Debtor(f"S{next(NUMBERS)}")) for _ in range(2)]
    for play in plays:
        club.member(play.debtor.number)
    for who, (name, value) in steps:
        plays[who].play(name, value)
    for play in plays:
        play.check()
        play.do_pay(0)
