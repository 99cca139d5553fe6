"""Random lives of agreements over two years: sell, suspend, edit, rescind, cancel, rewrite, bill when it suits.

No day is billed twice, none that is due is skipped, and no agreement ends up in a state in which it can't be billed or
ended (SPEC AGR-8, AGR-9, SUS-4, SUS-8).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import event, given, settings
from hypothesis import strategies as st

from boss_agreements.agreements.rules import AgreementLine, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.cancellations.rules import FINAL_INVOICED, FUTURE, check_rescind
from boss_agreements.due_charges.rules import advance, charges_through, next_charge
from boss_agreements.rewrites.rules import check_rewritable, goes_on
from boss_agreements.suspensions.rules import PENDING, RUNNING, Window, check_end, check_new, union
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money

START, ONE = date(2026, 1, 1), timedelta(days=1)
YEARS = timedelta(days=730)
SCHEDULES = st.sampled_from(
    [
        "monthly_anniversary",
        "monthly_on_1",
        "monthly_on_15",
        "monthly_on_31",
        "weekly",
        "every_3_weeks",
        "every_2_months",
    ]
)
OPERATIONS = ("bill", "bill", "bill", "suspend", "edit", "cancel", "rescind", "rewrite", "move")


@dataclass
class Life:
    """An agreement with one Key Item, as its owner and the desk live it."""

    lines: list[AgreementLine]
    today: date = START
    windows: list[Window] = field(default_factory=list)
    suspended: set[date] = field(default_factory=set)
    final: date | None = None
    billed_to_the_end: bool = False
    paid: Counter[date] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    through: dict[UUID, date] = field(default_factory=dict)
    lines_made: int = 0

    @property
    def is_over(self) -> bool:
        return self.final is not None and self.final < self.today

    def bill(self) -> None:
        windows = union(self.windows)
        self.lines = [self._billed(line, windows) for line in self.lines]
        ended = all(next_charge(line, windows) is None for line in self.lines)
        self.billed_to_the_end = self.final is not None and ended

    def _billed(self, line: AgreementLine, windows: Sequence[Window]) -> AgreementLine:
        after = line
        for charge in charges_through(line, windows, self.today):
            assert charge.due_date not in self.suspended_by(self.today), "no bill date lies in a suspension"
            assert self.final is None or charge.period_end <= self.final, "nothing is billed after the last paid day"
            self.keys[charge.key] += 1
            self.through[line.id] = charge.period_end
            self.paid.update(
                charge.period_start + ONE * n for n in range((charge.period_end - charge.due_date).days + 1)
            )
            after = advance(after, windows)
        return after

    def suspended_by(self, day: date) -> set[date]:
        """Give the suspended days before a day."""
        found: set[date] = set()
        for window in self.windows:
            end = min(window.end or day, day)
            found.update(window.start + ONE * n for n in range(max((end - window.start).days, 0)))
        return found

    def suspend(self, after: int, days: int, *, open_ended: bool) -> None:
        window = Window(self.today + ONE * after, None if open_ended else self.today + ONE * (after + days))
        check_new(window, self.windows, self.today)
        self.windows.append(window)

    def edit(self, after: int, days: int) -> None:
        """Set the end of the last suspension, or rescind it before its start."""
        window = self.windows[-1]
        if window.end is not None and window.end <= self.today:
            return
        if window.start > self.today and days % 2:
            self.windows.pop()
            return
        end = self.today + ONE * after
        check_end(PENDING if window.start > self.today else RUNNING, window, end, self.today)
        self.windows[-1] = Window(window.start, end)
        if end == window.start:
            self.windows.pop()

    def cancel(self, after: int) -> None:
        if self.final is None:
            self.final = self.today + ONE * after
            self.lines = [replace(line, final_date=self.final) for line in self.lines]

    def rescind(self) -> None:
        if self.final is not None:
            check_rescind(FINAL_INVOICED if self.billed_to_the_end else FUTURE, self.final, self.today)
            self.final = None
            self.lines = [replace(line, final_date=None) for line in self.lines]

    def rewrite(self, schedule: str) -> None:
        if self.final is not None and not self.billed_to_the_end:
            return
        windows = union(self.windows)
        frozen = any(window.holds(self.today) for window in self.windows)
        status = "Freeze" if frozen else "Active"
        check_rewritable("1", status, self.today, windows, pending_suspension=False, renewal=False)
        made: list[AgreementLine] = []
        for line in self.lines:
            if line.remaining_cycles != 0:
                through = self.through.get(line.id)
                made += goes_on(line, windows, schedule, self.new_id(), self.new_id(), through)
        self.lines, self.final, self.billed_to_the_end = made, None, False
        # The new agreement knows nothing of the old one's suspensions.
        self.suspended |= self.suspended_by(self.today)
        self.windows = []

    def new_id(self) -> UUID:
        self.lines_made += 1
        return UUID(int=self.lines_made)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 45),
        st.sampled_from(OPERATIONS),
        st.integers(0, 70),
        st.integers(1, 70),
        st.booleans(),
        SCHEDULES,
    ),
    min_size=5,
    max_size=40,
)


def live(name: str, start: date, steps: list[tuple[int, str, int, int, bool, str]]) -> Life:
    line = open_line(UUID(int=999), parse_schedule(name, start), Money(3000, "USD"), start, None, start)
    life = Life([line], today=start)
    if line.next_bill_date > start:
        life.suspended.update(start + ONE * n for n in range((line.next_bill_date - start).days))
    for gap, operation, after, days, flag, schedule in steps:
        life.today = min(life.today + ONE * gap, START + YEARS)
        if life.is_over:
            break
        try:
            _do(life, operation, after, days, schedule, flag=flag)
        except (FailedPrecondition, InvalidArgument) as refused:
            event(f"refused {refused.reason}")
        else:
            event(operation)
    return life


def _do(life: Life, operation: str, after: int, days: int, schedule: str, *, flag: bool) -> None:
    if operation == "bill":
        life.bill()
    elif operation == "suspend":
        life.suspend(after, days, open_ended=flag)
    elif operation == "edit" and life.windows:
        life.edit(after, days)
    elif operation == "cancel":
        life.cancel(after)
    elif operation == "rescind":
        life.rescind()
    elif operation == "rewrite":
        life.rewrite("")
    elif operation == "move":
        life.rewrite(schedule)


def bring_to_an_end(life: Life) -> None:
    """Let everybody come back, then bill what is due two months later."""
    life.windows = [Window(window.start, window.end or max(life.today, window.start + ONE)) for window in life.windows]
    last = max((window.end for window in life.windows if window.end), default=life.today)
    life.today = max(life.today, last) + ONE * 62
    life.bill()
    life.suspended |= life.suspended_by(life.today)


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, st.dates(START, START + ONE * 60), STEPS)
def test_agr_9_sus_8_no_day_is_billed_twice_and_none_that_is_due_is_skipped(
    name: str, start: date, steps: list[tuple[int, str, int, int, bool, str]]
) -> None:
    life = live(name, start, steps)
    bring_to_an_end(life)
    assert max(life.keys.values(), default=1) == 1
    assert [day for day, times in life.paid.items() if times > 1] == []
    end = life.today if life.final is None else min(life.final, life.today)
    days = {start + ONE * n for n in range((end - start).days + 1)}
    assert days - life.paid.keys() <= life.suspended, "a day that isn't paid for was suspended"


@settings(max_examples=200, deadline=None)
@given(SCHEDULES, st.dates(START, START + ONE * 60), STEPS)
def test_agr_9_sus_8_no_agreement_is_left_that_cannot_be_billed_or_ended(
    name: str, start: date, steps: list[tuple[int, str, int, int, bool, str]]
) -> None:
    life = live(name, start, steps)
    bring_to_an_end(life)
    windows = union(life.windows)
    if life.final is None:
        assert any(next_charge(line, windows) is not None for line in life.lines), "it bills on"
        life.cancel(0)
        life.bill()
    life.today = max(life.today, life.final or life.today) + ONE * 800
    life.bill()
    assert all(next_charge(line, windows) is None for line in life.lines), "it can be ended"
