"""The answer for any day equals a replay of the balance events up to that day (SPEC COL-1)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from collections_facts import DENVER, ENTERPRISE, Feed, account, open_item
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss_collections.debtors.search import Filters, search
from boss_kit.unit_of_work import UnitOfWork

FIRST = date(2026, 3, 1)
DAYS = 6


@dataclass(frozen=True)
class Said:
    """A balance: of which account, on which day, how much; its place in the list is its version."""

    number: int
    day: date
    balance_minor: int


SAID = st.builds(
    Said,
    number=st.integers(0, 2),
    day=st.integers(0, DAYS - 1).map(lambda days: FIRST + timedelta(days=days)),
    balance_minor=st.sampled_from([0, 100, 200, 300]),
)


def replayed(said: list[Said], day: date) -> list[tuple[int, UUID]]:
    """Play all balances up to a day, in the order billing said them; give who owes then, the greatest first."""
    owed: dict[int, int] = {}
    for one in said:
        if one.day <= day:
            owed[one.number] = one.balance_minor
    rows = [(minor, number) for number, minor in owed.items() if minor > 0]
    return [(minor, account(number).account_id) for minor, number in sorted(rows, key=lambda row: (-row[0], row[1]))]


@given(
    said=st.lists(SAID, max_size=12),
    batch_size=st.integers(1, 5),
    page_size=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_col_1_any_day_equals_a_replay_of_the_events_up_to_it(
    feed: Feed, units: UnitOfWork, engine: sa.Engine, said: list[Said], batch_size: int, page_size: int
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE balance, account, seen_version"))
    versions: dict[int, int] = defaultdict(int)
    events = []
    for one in said:
        versions[one.number] += 1
        of = account(one.number)
        items = [open_item(of, one.day, one.balance_minor)] if one.balance_minor else []
        events.append(feed.balance(of, one.day, *items, number=str(one.number), version=versions[one.number]))
    # Billing keeps the order of an account's events; the broker may deliver a batch again.
    for start in range(0, len(events), batch_size):
        feed.send("billing", events[start : start + batch_size])
        feed.send("billing", events[max(0, start - 1) : start + batch_size])
    for day in (FIRST + timedelta(days=days) for days in range(-1, DAYS + 1)):
        assert found(units, day, page_size) == replayed(said, day)


def found(units: UnitOfWork, day: date, page_size: int) -> list[tuple[int, UUID]]:
    rows: list[tuple[int, UUID]] = []
    after = None
    with units.engine.connect() as connection:
        while True:
            page = search(connection, ENTERPRISE, {DENVER: day}, Filters(), after, page_size)
            rows += [(debtor.balance.amount_minor, debtor.account.account_id) for debtor in page]
            if len(page) < page_size:
                return rows
            after = (page[-1].balance.amount_minor, page[-1].number, page[-1].account.account_id)
