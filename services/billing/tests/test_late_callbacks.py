"""Callbacks that come too early, too late or a second time (SPEC BIL-8)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from callback_calls import PARENT, billed
from club import AUSTIN, DAY, ENTERPRISE_ID, Club, unit_id
from file_exchange import Files
from till import Till

from boss_billing.callbacks.keeping import Tally
from boss_billing.callbacks.process import CallbackProcesses
from boss_billing.callbacks.refunds import apply_refund_results, keep_refund_results
from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.returns import apply_returns, keep_returns
from boss_billing.callbacks.rules import RefundCallback, Resolution, ReturnCallback, UpdateCallback
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.rules import UpdateOutcome
from boss_billing.refunds.rules import Destination
from boss_kit.money import Money


@contextmanager
def hidden(club: Club, table: str) -> Iterator[None]:
    """Let a table be empty for a while, as if what it holds came later."""
    with club.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE hidden AS SELECT * FROM {table}; DELETE FROM {table}")
    yield
    with club.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM hidden")


def apply_left_over(club: Club) -> None:
    """Let the janitor come by."""
    task: Any = type("Task", (), {"id": uuid4()})
    CallbackProcesses(club.units).apply_left_over(task)


def states(club: Club, kind: str) -> dict[str, str]:
    return dict(club.rows("SELECT callback_id, state FROM callback WHERE kind = :kind", kind=kind))


# Results of payments


def test_bil_8_a_submission_that_is_repeated_takes_no_result_back_from_an_attempt(club: Club) -> None:
    club.wire.lose_answers = 1
    (result,) = billed(club, "M1")
    club.report(result)
    club.ask("ask-processor")
    assert club.one("SELECT attempt.state, payment.state FROM attempt JOIN payment ON payment.id = payment_id") == (
        "approved",
        "approved",
    )
    assert club.report(replace(result, callback_id="again", code="D03")).unmatched == 1
    assert club.one("SELECT count(*) FROM transfer WHERE source = 'payment'") == 1
    club.assert_books()


# Results of refunds


def refunded(till: Till) -> str:
    """Let a member pay by card and give it all back; give the refund."""
    till.collected()
    till.returned("M1", 3500, to=Destination.FUNDING_SOURCE)
    return str(till.club.one("SELECT id FROM refund"))


def told(callback_id: str, refund_id: str, code: str = "A02", amount_minor: int | None = None) -> RefundCallback:
    amount = Money(amount_minor, "USD") if amount_minor is not None else None
    return RefundCallback(callback_id, refund_id, "t1", code, "", amount)


def report(club: Club, *results: RefundCallback) -> Tally:
    with club.units.begin(club.context()) as tx:
        keep_refund_results(tx, results)
    with club.units.begin(club.context()) as tx:
        return apply_refund_results(tx, [one.callback_id for one in results])


def test_bil_8_the_result_of_a_refund_nobody_knows_is_kept_and_counts_once_the_refund_is_there(
    club: Club, till: Till
) -> None:
    refund_id = refunded(till)
    with hidden(club, "refund"):
        assert report(club, told("r1", refund_id), told("r2", str(uuid4()))).unmatched == 2
        apply_left_over(club)
        assert states(club, "refund_result") == {"r1": "unmatched", "r2": "unmatched"}
        assert "No refund has the id" in club.one("SELECT reason FROM callback WHERE callback_id = 'r1'")
    apply_left_over(club)
    assert states(club, "refund_result") == {"r1": "applied", "r2": "unmatched"}
    assert club.one("SELECT state FROM refund") == "approved"
    club.assert_books()


@pytest.mark.parametrize("together", [True, False], ids=["in one page", "one after the other"])
def test_bil_8_a_refund_takes_one_result_and_a_second_is_an_exception(club: Club, till: Till, together: bool) -> None:
    refund_id = refunded(till)
    first, second = told("r1", refund_id), told("r2", refund_id, "D06")
    tallies = [report(club, first, second)] if together else [report(club, first), report(club, second)]
    assert (sum(one.applied for one in tallies), sum(one.unmatched for one in tallies)) == (1, 1)
    assert states(club, "refund_result") == {"r1": "applied", "r2": "exception"}
    assert (club.one("SELECT state FROM refund"), till.owed("M1")) == ("approved", (0, 0))
    assert club.one("SELECT count(*) FROM transfer WHERE credit = 'clearing'") == 1
    club.assert_books()


def test_bil_8_the_result_of_a_refund_about_another_amount_is_an_exception(club: Club, till: Till) -> None:
    refund_id = refunded(till)
    assert report(club, told("r1", refund_id, amount_minor=3499)).unmatched == 1
    assert states(club, "refund_result") == {"r1": "exception"}
    assert club.one("SELECT state FROM refund") == "created"
    assert report(club, told("r2", refund_id, amount_minor=3500)).applied == 1


# Answers of the card updater


def test_bil_8_an_answer_of_the_updater_to_nobodys_question_counts_once_the_question_is_there(club: Club) -> None:
    club.settings(card_updater=True)
    club.script["tok_M1", 1] = "D16"
    (result,) = billed(club, "M1")
    club.report(result)
    club.ask("card-updater")
    (found,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
    answer = replace(
        found, outcome=UpdateOutcome.NEW_EXPIRY, token="", last4="", expiry_month=6, expiry_year=2033, callback_id="u1"
    )
    nobodys = UpdateCallback("u2", str(uuid4()), UpdateOutcome.CLOSED, "", "", 0, 0)
    with hidden(club, "card_inquiry"):
        assert club.report_updates(answer, nobodys).unmatched == 2
        apply_left_over(club)
        assert states(club, "account_update") == {"u1": "unmatched", "u2": "unmatched"}
    apply_left_over(club)
    assert states(club, "account_update") == {"u1": "applied", "u2": "unmatched"}
    assert club.one("SELECT expiry_year FROM funding_source") == 2033
    assert club.one("SELECT count(*) FROM attempt WHERE label = 'Retry'") == 1


# Returns and reversals


def take(club: Club, *returns: ReturnCallback) -> Tally:
    with club.units.begin(club.context()) as tx:
        keep_returns(tx, returns)
    with club.units.begin(club.context()) as tx:
        return apply_returns(tx, [one.callback_id for one in returns])


def returned(result: Any, callback_id: str, kind: ReturnKind) -> ReturnCallback:
    return ReturnCallback(callback_id, result.attempt_id, "", kind, "R01", "Disputed", None, DAY)


def test_bil_8_a_reversal_waits_for_the_chargeback_of_its_own_payment_and_for_no_other(club: Club) -> None:
    results = billed(club, "M1", "M2")
    club.report(*results)
    mine, other = results
    assert take(club, returned(mine, "won", ReturnKind.REVERSAL)).unmatched == 1
    take(club, returned(other, "lost", ReturnKind.CHARGEBACK))
    apply_left_over(club)
    assert states(club, "payment_return") == {"won": "unmatched", "lost": "applied"}
    take(club, returned(mine, "lost too", ReturnKind.CHARGEBACK))
    apply_left_over(club)
    assert set(states(club, "payment_return").values()) == {"applied"}
    owed = club.rows("SELECT number, balance_minor FROM invoice ORDER BY balance_minor")
    assert [row[1] for row in owed] == [0, 3500]
    club.assert_books()


def test_bil_8_a_return_of_a_payment_nobody_knows_counts_once_the_payment_has_its_result(club: Club) -> None:
    (result,) = billed(club, "M1")
    with hidden(club, "attempt"):
        assert take(club, returned(result, "back", ReturnKind.RETURN)).unmatched == 1
    apply_left_over(club)
    assert states(club, "payment_return") == {"back": "unmatched"}
    club.report(result)
    assert states(club, "payment_return") == {"back": "applied"}
    assert club.one("SELECT balance_minor FROM invoice") == 3500
    club.assert_books()


# News by file


def test_bil_8_a_file_of_news_about_two_enterprises_is_refused_whole(files: Files) -> None:
    club = files.club
    club.add_account("M1")
    club.add_account("X1", business_unit=AUSTIN)
    files.read()

    def news(name: str, *about: tuple[str, str]) -> None:
        header = "business_unit|account|update_id|outcome|new_account|new_last4|new_accessory"
        rows = [f"{unit}|{token}|n{place}|NEW_EXPIRY|||0233" for place, (unit, token) in enumerate(about)]
        text = "\n".join((header, *rows, f"trailer|{len(rows)}", ""))
        (files.bank.folder / "updates" / name).write_text(text)
        files.read()

    def years() -> list[int]:
        return [row[0] for row in club.rows("SELECT expiry_year FROM funding_source")]

    ours, theirs = f"{PARENT}/businessUnits/{unit_id()}", f"enterprises/{UUID(int=7)}/businessUnits/{unit_id()}"
    news("bad.txt", (ours, "tok_M1"), (theirs, "tok_M1"))
    assert files.bank.refusal("updates") == f"line 3: {theirs!r} is another enterprise's."
    assert (years(), club.one("SELECT count(*) FROM callback")) == ([2030, 2030], 0)
    news("good.txt", (ours, "tok_M1"), (f"{PARENT}/businessUnits/{unit_id(AUSTIN)}", "tok_X1"))
    assert years() == [2033, 2033]


# What a person settled


def test_bil_8_a_return_that_somebody_dismissed_stays_so_when_the_result_it_waited_for_comes(club: Club) -> None:
    (result,) = billed(club, "M1")
    assert take(club, returned(result, "back", ReturnKind.RETURN)).unmatched == 1
    with club.units.begin(club.context()) as tx:
        resolve_callback(tx, ResolveCallback("payment_return", "back", Resolution.DISMISSED, "sent by mistake"))
    club.report(result)
    assert states(club, "payment_return") == {"back": "resolved"}
    assert club.one("SELECT balance_minor FROM invoice") == 0
    club.assert_books()


def test_bil_8_a_reversal_waits_though_a_chargeback_was_told_that_could_not_be_taken(club: Club) -> None:
    (result,) = billed(club, "M1")
    club.report(result)
    too_much = replace(returned(result, "lost", ReturnKind.CHARGEBACK), amount=Money(9900, "USD"))
    take(club, too_much)
    take(club, returned(result, "won", ReturnKind.REVERSAL))
    assert states(club, "payment_return") == {"lost": "exception", "won": "unmatched"}
    take(club, returned(result, "lost then", ReturnKind.CHARGEBACK))
    apply_left_over(club)
    assert states(club, "payment_return")["won"] == "applied"
    club.assert_books()
