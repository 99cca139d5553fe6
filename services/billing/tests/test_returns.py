"""Returns, chargebacks and reversals by callback: any order, any number of times, the same books (SPEC BIL-8)."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from callback_calls import PARENT, billed, body, open_hook
from club import DAY, ENTERPRISE_ID, Club
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from boss_billing.callbacks.keeping import Tally
from boss_billing.callbacks.returns import apply_returns, keep_returns
from boss_billing.callbacks.rules import ResultCallback, ReturnCallback
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.rules import UpdateOutcome
from boss_billing.payments.rules import Label
from boss_kit.money import Money

EXAMPLES = 60 if os.environ.get("BOSS_FAULTS") == "all" else 6
CALLBACKS = 7
PLACE = st.integers(0, CALLBACKS - 1)


def returned(found: Any, kind: ReturnKind = ReturnKind.CHARGEBACK, **changes: Any) -> ReturnCallback:
    told = ReturnCallback(f"{kind}-{found.attempt_id}", found.attempt_id, "", kind, "R01", "Disputed", None, DAY)
    return replace(told, **changes)


def report(club: Club, *returns: ReturnCallback) -> Tally:
    with club.units.begin(club.context()) as tx:
        keep_returns(tx, returns)
    with club.units.begin(club.context()) as tx:
        return apply_returns(tx, [one.callback_id for one in returns])


def owed(club: Club) -> int:
    return int(club.one("SELECT sum(balance_minor) FROM invoice"))


def test_bil_8_a_chargeback_reopens_the_invoice_once_and_its_reversal_pays_it_again(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(found)
    chargeback, reversal = returned(found), returned(found, ReturnKind.REVERSAL)
    assert report(club, chargeback).applied == 1
    assert report(club, chargeback).repeated == 1
    assert owed(club) == 3500
    assert report(club, reversal, reversal).applied == 1
    assert owed(club) == 0
    club.assert_books()


def test_bil_8_a_return_that_is_faster_than_its_result_waits_for_it(club: Club) -> None:
    (found,) = billed(club, "M1")
    assert report(club, returned(found, ReturnKind.RETURN)).unmatched == 1
    assert club.one("SELECT state FROM callback") == "unmatched"
    club.report(found)
    assert club.rows("SELECT DISTINCT state FROM callback") == [("applied",)]
    assert owed(club) == 3500
    club.assert_books()


def test_bil_8_a_reversal_that_is_faster_than_its_chargeback_waits_for_it(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(found)
    assert report(club, returned(found, ReturnKind.REVERSAL)).unmatched == 1
    club.ask("apply-callbacks")
    assert club.one("SELECT count(*) FROM callback WHERE state = 'unmatched'") == 1
    report(club, returned(found))
    club.ask("apply-callbacks")
    assert club.rows("SELECT DISTINCT state FROM callback") == [("applied",)]
    assert owed(club) == 0
    club.assert_books()


def test_bil_8_a_reversal_told_before_its_chargeback_in_one_call_follows_it(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(found)
    reversal = returned(found, ReturnKind.REVERSAL, callback_id="told first")
    assert report(club, reversal, returned(found, callback_id="told then")).applied == 2
    assert owed(club) == 0
    assert club.rows("SELECT kind FROM movement ORDER BY id") == [("chargeback",), ("reversal",)]
    club.assert_books()


def test_bil_8_a_return_of_a_declined_or_unknown_payment_is_listed_and_moves_nothing(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(replace(found, code="D03"))
    assert report(club, returned(found)).unmatched == 1
    assert report(club, returned(found, attempt_id=str(uuid4()), callback_id="unknown")).unmatched == 1
    states = dict(club.rows("SELECT callback_id, state FROM callback WHERE kind = 'payment_return'"))
    assert states == {f"chargeback-{found.attempt_id}": "exception", "unknown": "unmatched"}
    club.assert_books()


def test_bil_8_a_return_of_a_declined_attempt_is_listed_though_the_retry_of_its_payment_was_approved(
    club: Club,
) -> None:
    club.settings(card_updater=True)
    (found,) = billed(club, "M1")
    club.report(replace(found, code="D16"))
    club.ask("card-updater")
    (asked,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
    club.report_updates(replace(asked, outcome=UpdateOutcome.NEW_EXPIRY, expiry_month=6, expiry_year=2029))
    club.do_tasks()
    club.deliver(Label.RETRY)
    assert club.one("SELECT state FROM payment") == "approved"
    assert report(club, returned(found)).unmatched == 1
    assert club.one("SELECT reason FROM callback WHERE state = 'exception'") == (
        "The attempt was never approved (declined)."
    )
    retry_id = club.one("SELECT id FROM attempt WHERE label = 'Retry'")
    assert report(club, returned(replace(found, attempt_id=str(retry_id)))).applied == 1
    assert owed(club) == 3500
    club.assert_books()


def test_bil_8_more_than_was_paid_cannot_come_back(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(found)
    assert report(club, returned(found, amount=Money(3501, "USD"))).unmatched == 1
    assert "35.01 USD" in club.one("SELECT reason FROM callback WHERE kind = 'payment_return'")
    assert owed(club) == 0


def test_bil_8_returns_come_by_grpc_and_by_webhook(club: Club, server: Any, tokens: Any) -> None:
    first, second = billed(club, "M1", "M2")
    club.report(first, second)
    door = server.stub(
        processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub, tokens.token("acme", ["processor"], [PARENT])
    )
    told = pb.PaymentReturn(return_id="r1", attempt_id=first.attempt_id, kind=pb.PaymentReturn.KIND_RETURN, code="R01")
    answer = door.ReportReturns(pb.ReportReturnsRequest(parent=PARENT, returns=[told]), timeout=5)
    assert answer.applied == 1
    with ExitStack() as stack:
        hook = stack.enter_context(open_hook(club))
        content = body(
            "payment.returns", returns=[{"returnId": "r2", "attemptId": second.attempt_id, "kind": "KIND_CHARGEBACK"}]
        )
        assert hook.post(content).status_code == 200
        nameless = body("payment.returns", returns=[{"attemptId": second.attempt_id, "kind": "KIND_CHARGEBACK"}])
        assert hook.post(nameless, message_id="m2").status_code == 400
    assert owed(club) == 7000
    club.assert_books()


Callback = ResultCallback | ReturnCallback


def play(club: Club, callbacks: Sequence[Callback]) -> None:
    for one in callbacks:
        if isinstance(one, ResultCallback):
            club.report(one)
        else:
            report(club, one)


def told_of(won: Any, back: Any, declined: Any) -> list[Callback]:
    """Say of three payments: one was charged back and won, one was returned, one declined and its return a mistake."""
    return [
        won,
        returned(won),
        returned(won, ReturnKind.REVERSAL),
        back,
        returned(back, ReturnKind.RETURN),
        replace(declined, code="D03"),
        returned(declined, ReturnKind.RETURN),
    ]


def books(club: Club, results: Sequence[ResultCallback]) -> list[Any]:
    """Give what must not depend on the order in which callbacks came, payment by payment."""
    found = []
    for one in results:
        ids = {"id": club.one("SELECT payment_id FROM attempt WHERE id = :id", id=one.attempt_id)}
        invoice = "(SELECT invoice_id FROM payment WHERE id = :id)"
        account = "(SELECT account_id FROM payment WHERE id = :id)"
        moved = "debit, debit_detail, credit, credit_detail, sum(amount_minor) FROM transfer"
        found += [
            club.rows("SELECT state, response_code FROM payment WHERE id = :id", **ids),
            club.rows(f"SELECT balance_minor, is_declined, declines FROM invoice WHERE id = {invoice}", **ids),
            club.rows(f"SELECT credit_minor FROM account WHERE id = {account}", **ids),
            club.rows("SELECT kind, amount_minor FROM chargeback WHERE payment_id = :id ORDER BY 1", **ids),
            club.rows(f"SELECT {moved} WHERE account_id = {account} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4", **ids),
            club.rows("SELECT kind, state FROM callback WHERE subject_id = :id ORDER BY 1, 2", id=one.attempt_id),
        ]
    return found


def test_bil_8_any_order_with_repetitions_gives_the_same_books(club: Club) -> None:
    results = billed(club, *(f"M{number:02}" for number in range(3 * (EXAMPLES + 1))))
    fresh = iter([results[start : start + 3] for start in range(0, len(results), 3)])
    in_order = next(fresh)
    play(club, told_of(*in_order))
    club.ask("apply-callbacks")
    expected = books(club, in_order)
    assert [rows[0][0] for rows in expected[1::6]] == [0, 3500, 3500]

    # Every example needs payments of its own, so there are as many as there are examples and none to shrink with.
    @settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], derandomize=True)
    @given(order=st.permutations(range(CALLBACKS)), again=st.lists(st.tuples(PLACE, PLACE), max_size=5))
    def check(order: list[int], again: list[tuple[int, int]]) -> None:
        mine = next(fresh)
        told = told_of(*mine)
        played = [told[number] for number in order]
        for place, number in again:
            played.insert(place, told[number])
        play(club, played)
        club.ask("apply-callbacks")
        assert books(club, mine) == expected
        club.assert_books()

    check()
