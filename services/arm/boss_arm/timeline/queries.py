"""The history of an account, told as sentences."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from boss_arm.debtors.store import find_unit
from boss_arm.history import store
from boss_arm.history.rules import SYSTEM_TYPE, Activity
from boss_kit.money import Money
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


def list_entries(
    tx: Transaction, unit_id: UUID, account_id: UUID, page: Page
) -> tuple[Sequence[tuple[Activity, str]], str]:
    """List the lines of an account's history with their sentences, oldest first; give the next page's token, too."""
    after = page.key(date.fromisoformat, datetime.fromisoformat, int)
    found = store.list_story(tx.connection, tx.enterprise_id, unit_id, account_id, after=after, limit=page.limit)
    rows, token = page.cut(found, lambda one: (one.activity_date, one.create_time, one.id))
    unit = find_unit(tx.connection, tx.enterprise_id, unit_id)
    return [(one, sentence(one, unit.currency if unit is not None else "USD")) for one in rows], token


def sentence(one: Activity, currency: str) -> str:
    """Tell a line of the history."""
    owed = Money(one.past_due_minor, currency)
    if one.type == SYSTEM_TYPE:
        return f"{one.activity}; {owed} past due, day {one.days_in_arm} in ARM."
    to = f" to {one.contact_info}" if one.contact_info else ""
    if not one.result:
        return f"{one.type} due{to}: {one.activity}; {owed} past due, day {one.days_in_arm} in ARM, no result yet."
    return f"{one.type} due{to}: {one.activity}; result of {one.result_date}: {one.result}."
