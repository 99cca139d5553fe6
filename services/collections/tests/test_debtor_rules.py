"""When something is past due, and by how many days (SPEC 0, COL-1)."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_collections.debtors.rules import (
    OpenItem,
    days_past_due,
    is_past_due,
    item_days_past_due,
    oldest_due_date,
)

DUE = date(2026, 3, 10)


def item(due: date = DUE, balance_minor: int = 100, *, declined: bool = False) -> OpenItem:
    return OpenItem(uuid4(), "I-1", due, balance_minor, 100, declined)


@pytest.mark.parametrize(
    ("declined", "days_after_due", "past_due", "days"),
    [
        (False, -1, False, 0),
        (False, 0, False, 0),
        (False, 1, True, 1),
        (False, 30, True, 30),
        (True, -1, True, 0),
        (True, 0, True, 0),
        (True, 1, True, 1),
    ],
)
def test_col_1_past_due_begins_the_day_after_the_due_date_or_with_the_final_decline(
    declined: bool, days_after_due: int, past_due: bool, days: int
) -> None:
    day = DUE + timedelta(days=days_after_due)
    assert is_past_due(item(declined=declined), day) is past_due
    assert item_days_past_due(item(declined=declined), day) == days


def test_col_1_a_paid_invoice_is_never_past_due() -> None:
    assert not is_past_due(item(balance_minor=0, declined=True), DUE + timedelta(days=90))
    assert oldest_due_date([item(balance_minor=0)]) is None


ITEMS = st.lists(
    st.builds(
        item,
        st.dates(date(2026, 1, 1), date(2026, 12, 31)),
        st.integers(0, 3),
        declined=st.booleans(),
    ),
    max_size=6,
)


@given(ITEMS, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(1, 400))
def test_col_1_the_search_by_days_past_due_finds_whom_the_rule_finds(
    items: list[OpenItem], day: date, at_least: int
) -> None:
    oldest = oldest_due_date(items)
    found = oldest is not None and oldest <= day - timedelta(days=at_least)
    assert found == (days_past_due(items, day) >= at_least)
