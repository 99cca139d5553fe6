"""A network's limit holds for a card, whichever funding sources it is kept under (SPEC BIL-5)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from club import AUSTIN, DAY, ENTERPRISE_ID, Club, due, ref, unit_id
from hypothesis import given
from hypothesis import strategies as st
from test_rules import invoice

from boss_billing.callbacks.rules import UpdateCallback
from boss_billing.declines import store as declines
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.funding.changes import AddSource, ChangeSource, add_source, change_source
from boss_billing.funding.rules import FundingSource, UpdateOutcome, source_id
from boss_billing.payments import store as payments
from boss_billing.payments.planners import days_of_cards
from boss_billing.payments.planning import Planner
from boss_billing.runs.previews import preview_due
from boss_kit.database import rows_of
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

CARD = {"tender": "VISA", "last4": "4242", "expiry_month": 12, "expiry_year": 2030}
MONTH = DAY + timedelta(days=30)
MANY_OTHER_ATTEMPTS = """
    INSERT INTO attempt
    SELECT (jsonb_populate_record(attempt, jsonb_build_object(
        'id', gen_random_uuid(), 'payment_id', gen_random_uuid(), 'funding_source_id', gen_random_uuid()))).*
    FROM attempt, generate_series(1, 2000)
"""


@pytest.fixture
def two_a_month(club: Club) -> Club:
    """Let a VISA card be tried twice in thirty days."""
    with club.units.begin(club.context()) as tx:
        declines.save_limit(tx.connection, ENTERPRISE_ID, AttemptLimit("VISA", Per.SOURCE, 2, 30))
    return club


def attempts(club: Club) -> dict[str, int]:
    counts = "SELECT token, count(*) FROM attempt WHERE state <> 'not_attempted' GROUP BY token"
    return {row[0]: row[1] for row in club.rows(counts)}


def waiting(club: Club) -> list[tuple[str, date]]:
    query = "SELECT number, next_attempt_date FROM invoice WHERE next_attempt_date IS NOT NULL ORDER BY number"
    return [(row[0], row[1]) for row in club.rows(query)]


def change(club: Club, number: str, **changes: object) -> None:
    account = ref(number)
    with club.units.begin(club.context()) as tx:
        change_source(tx, ChangeSource(account, source_id(account.id), changes))


def add(club: Club, number: str, token: str) -> None:
    whole = {"is_primary": True, "is_recurring": True, "responsibility_percent": 100}
    with club.units.begin(club.context()) as tx:
        add_source(tx, AddSource(ref(number), {**CARD, "token": token, **whole}))


def test_bil_5_a_card_that_pays_for_several_accounts_is_tried_no_more_often_than_one_card_may(
    two_a_month: Club,
) -> None:
    club = two_a_month
    for number in ("M1", "M2", "M3", "M4"):
        club.add_account(number, token="tok_family" if number != "M4" else "tok_M4")
    club.due.charges = [due(number) for number in ("M1", "M2", "M3", "M4")]
    club.due.page_size = 1
    club.bill()
    assert attempts(club) == {"tok_family": 2, "tok_M4": 1}
    ((number, _),) = waiting(club)
    assert waiting(club) == [(number, MONTH)]
    skipped = club.one("SELECT agreement_number, reason, description FROM skipped_charge")
    assert skipped[:2] == (number, "ATTEMPT_LIMIT")
    assert f"before {MONTH}" in skipped[2]


def test_bil_5_a_page_looks_only_at_its_own_cards_attempts_though_nothing_was_analysed_since_there_are_any(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("M1", "M2"):
        club.add_account(number, token=f"tok_{number}")
    with club.units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    club.due.charges = [due("M1")]
    club.bill()
    with club.units.engine.begin() as connection:
        connection.exec_driver_sql(MANY_OTHER_ATTEMPTS)
    asked: list[tuple[sa.TextClause, Mapping[str, Any]]] = []

    def note(connection: sa.Connection, statement: sa.TextClause, values: Mapping[str, Any]) -> Any:
        asked.append((statement, values))
        return rows_of(connection, statement, values)

    monkeypatch.setattr(payments, "rows_of", note)
    club.due.charges = [due("M2", DAY + timedelta(days=1))]
    club.play(DAY + timedelta(days=1))
    ((statement, values),) = [(statement, values) for statement, values in asked if "tokens" in values]
    with club.units.engine.connect() as connection:
        plan = "\n".join(row[0] for row in rows_of(connection, sa.text(f"EXPLAIN {statement.text}"), values))
    assert "using attempt_of_source" in plan, plan


def test_bil_5_a_preview_shows_what_a_shared_card_may_not_be_asked_for(two_a_month: Club) -> None:
    club = two_a_month
    for number in ("M1", "M2", "M3"):
        club.add_account(number, token="tok_family")
    club.due.charges = [due(number) for number in ("M1", "M2", "M3")]
    with club.units.read(club.context()) as tx:
        planned = preview_due(tx, ENTERPRISE_ID, DAY, club.due.look(ENTERPRISE_ID, unit_id(), DAY, 10, ""))
    reasons = [one.not_paid.reason for agreement in planned for one in agreement.invoices if one.not_paid]
    assert reasons == ["ATTEMPT_LIMIT"]


def test_bil_5_a_card_that_is_entered_again_keeps_its_attempts(two_a_month: Club) -> None:
    club = two_a_month
    club.add_account("M1", token="tok_a")
    club.due.charges = [due("M1")]
    club.play(DAY)
    add(club, "M1", "tok_a")
    for day in (1, 2):
        club.due.charges = [due("M1", DAY + timedelta(days=day), cycle=day + 1)]
        club.play(DAY + timedelta(days=day))
    assert attempts(club) == {"tok_a": 2}
    assert waiting(club) == [("M1-3", MONTH)]


def test_bil_5_a_card_that_a_source_had_before_keeps_its_attempts_under_another_source(two_a_month: Club) -> None:
    club = two_a_month
    club.add_account("M1", token="tok_a")
    club.due.charges = [due("M1"), due("M1", cycle=2, agreement_id=uuid4())]
    club.play(DAY)
    change(club, "M1", token="tok_b", last4="1111")
    club.add_account("M2", token="tok_a")
    club.due.charges = [due("M1", cycle=3), due("M2")]
    club.play(DAY + timedelta(days=1))
    # The new card of the first account has attempts of its own to spend.
    assert attempts(club) == {"tok_a": 2, "tok_b": 1}
    assert waiting(club) == [("M2-1", MONTH)]
    change(club, "M1", token="tok_a", last4="4242")
    club.due.charges = [due("M1", DAY + timedelta(days=2), cycle=4)]
    club.play(DAY + timedelta(days=2))
    assert attempts(club) == {"tok_a": 2, "tok_b": 1}


def test_bil_5_what_is_left_of_a_limit_is_not_exceeded_by_several_invoices_of_a_day(two_a_month: Club) -> None:
    club = two_a_month
    club.add_account("M1", token="tok_a")
    club.due.charges = [due("M1")]
    club.play(DAY)
    club.due.charges = [due("M1", cycle=number, agreement_id=uuid4()) for number in (2, 3)]
    club.play(DAY + timedelta(days=1))
    assert attempts(club) == {"tok_a": 2}
    assert [day for _, day in waiting(club)] == [MONTH]


def test_bil_5_the_next_attempt_after_a_decline_is_planned_by_what_the_card_has_left(two_a_month: Club) -> None:
    club = two_a_month
    club.add_account("M1", token="tok_family")
    club.add_account("M2", token="tok_family", business_unit=AUSTIN)
    club.due.unit_of[ref("M2").id] = unit_id(AUSTIN)
    club.due.charges = [due("M1")]
    club.play(DAY)
    club.script["tok_family", 1] = "D03"
    club.due.charges = [due("M2")]
    club.play(DAY + timedelta(days=1))
    assert waiting(club) == [("M2-1", MONTH)]
    assert "card network" in club.one("SELECT next_attempt_reason FROM payment WHERE state = 'finally_declined'")


def test_bil_5_a_retry_after_the_card_updater_waits_for_the_limit_of_the_card(two_a_month: Club) -> None:
    club = two_a_month
    club.settings(card_updater=True)
    club.add_account("M1", token="tok_family")
    club.add_account("M2", token="tok_family")
    club.script["tok_family", 1] = "D16"
    club.due.charges = [due("M1"), due("M2")]
    club.bill()
    club.deliver()
    inquiries = [str(row.id) for row in club.rows("SELECT id FROM card_inquiry")]
    renewed = (UpdateOutcome.NEW_EXPIRY, "", "", 12, 2031)
    club.report_updates(*(UpdateCallback(one, one, *renewed) for one in inquiries))
    assert attempts(club) == {"tok_family": 2}
    assert {day for _, day in waiting(club)} == {MONTH}
    assert {row.state for row in club.rows("SELECT state FROM payment")} == {"finally_declined"}
    club.script.clear()
    club.due.charges = []
    club.play(MONTH)
    assert attempts(club) == {"tok_family": 4}
    club.assert_books()


def test_bil_5_a_bank_debits_presentments_are_counted_without_those_of_the_card_beside_it(club: Club) -> None:
    bank = {"exp_month": "", "exp_year": "", "tender": "ACH"}
    club.add_account("M1", token="tok_bank", **bank)
    card = {**CARD, "token": "tok_card", "is_primary": False, "is_recurring": True, "responsibility_percent": 40}
    with club.units.begin(club.context()) as tx:
        add_source(tx, AddSource(ref("M1"), card))
    # Each attempt at the invoice has a number of its own: the bank's are the first, the third and the fourth.
    for number in (1, 3, 4):
        club.script["tok_bank", number] = "D03"
    club.due.charges = [due("M1")]
    club.play(DAY)
    club.due.charges = []
    for days in (7, 14, 21, 28):
        club.play(DAY + timedelta(days=days))
    assert attempts(club) == {"tok_bank": 3, "tok_card": 1}
    assert waiting(club) == [("M1-1", DAY + timedelta(days=180))]


def test_bil_5_two_pages_that_are_planned_at_once_share_what_a_card_has_left(two_a_month: Club) -> None:
    club = two_a_month
    for number in ("M1", "M2"):
        club.add_account(number, token="tok_family")
    planned, go_on = Event(), Event()

    def days(tx: Transaction) -> list[date]:
        limits = [one for one in declines.attempt_limits(tx.connection, ENTERPRISE_ID) if one.per is Per.SOURCE]
        return list(days_of_cards(tx.connection, ENTERPRISE_ID, limits, {"tok_family": 1}, DAY)["tok_family"])

    def first() -> list[date]:
        with club.units.begin(club.context()) as tx:
            before = days(tx)
            planned.set()
            assert go_on.wait(20)
            insert_attempt(tx)
            return before

    def second() -> list[date]:
        with club.units.begin(club.context()) as tx:
            return days(tx)

    with ThreadPoolExecutor(2) as pool:
        found: list[Future[list[date]]] = [pool.submit(first)]
        assert planned.wait(20)
        found.append(pool.submit(second))
        waiters = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        assert any(club.one(waiters) == 1 for _ in range(100_000))
        go_on.set()
        assert [one.result(20) for one in found] == [[], [DAY]]


def insert_attempt(tx: Transaction) -> None:
    account = ref("M1")
    tx.connection.execute(
        sa.text(
            "INSERT INTO attempt (enterprise_id, business_unit_id, id, account_id, invoice_id, payment_id, "
            "funding_source_id, label, account_number, due_date, invoice_number, description, attempt_no, tender, "
            "token, expiry_month, expiry_year, amount_minor, currency, business_date, state, correlation, create_time) "
            "VALUES (:e, :b, :id, :a, :id, :id, :source, 'Original', 'M1', :day, 'M1-1', '', 1, 'VISA', 'tok_family', "
            "12, 2030, 1, 'USD', :day, 'created', '', now())"
        ),
        {
            "e": ENTERPRISE_ID,
            "b": account.business_unit_id,
            "a": account.id,
            "id": new_id(),
            "source": source_id(account.id),
            "day": DAY,
        },
    )


def sources_of_cards() -> Iterator[FundingSource]:
    for number in range(6):
        yield FundingSource(
            uuid4(), ref(f"M{number}"), "VISA", f"tok_{number % 2}", "4242", 12, 2030, True, True, True, 100, 1
        )


SOURCES = list(sources_of_cards())
limits = st.builds(AttemptLimit, st.just("VISA"), st.just(Per.SOURCE), st.integers(1, 5), st.integers(1, 30))
earlier = st.lists(st.integers(-40, 0).map(lambda offset: DAY + timedelta(days=offset)), max_size=6)


@given(limits, earlier, st.lists(st.sampled_from(SOURCES), max_size=20), st.booleans())
def test_bil_5_whatever_sources_a_card_has_a_run_keeps_its_limit(
    limit: AttemptLimit, days: list[date], asked: list[FundingSource], shares: bool
) -> None:
    planner = Planner(uuid4(), DAY, [limit], uuid4, {"tok_0": list(days)})
    made: Counter[str] = Counter()
    for number, source in enumerate(asked):
        sources = [source._replace(responsibility_percent=60), source._replace(id=UUID(int=1), is_primary=False)]
        sources[1] = sources[1]._replace(responsibility_percent=40)
        of_invoice = invoice(f"M{number}-1", DAY, 3500)
        after, new, not_paid = planner.plan("M", of_invoice, sources if shares else [source])
        made.update(one.source.token for one in new)
        assert (not new) is (not_paid is not None)
        assert bool(new) or after.next_attempt_date is not None
    in_window = sum(DAY - timedelta(days=limit.window_days) < day for day in days)
    for token, count in made.items():
        assert count <= max(0, limit.attempts_max - (in_window if token == "tok_0" else 0))
