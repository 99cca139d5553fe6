"""Callbacks: any order, any number of times, late, or for something unknown (SPEC BIL-8)."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from club import DAY, ENTERPRISE_ID, Club, due

from boss_billing import events
from boss_billing.callbacks.commands import Tally, _notice, apply_deposits, keep_deposits, keep_results
from boss_billing.callbacks.process import CallbackProcesses
from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.rules import CallbackKind, CallbackState, DepositCallback, Resolution
from boss_billing.deposits.commands import take_deposits
from boss_billing.payments.rules import Label
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto


def billed(club: Club, number: str = "M1") -> Any:
    """Bill one account and give its outstanding result."""
    club.add_account(number)
    club.due.charges = [due(number)]
    club.bill()
    (found,) = club.wire.inner.outstanding_results(ENTERPRISE_ID, Label.ORIGINAL, 10)
    return found


def test_bil_8_a_result_is_applied_once_however_often_it_comes(club: Club) -> None:
    result = billed(club)
    assert club.report(result).applied == 1
    again = club.report(result, result)
    assert (again.applied, again.repeated) == (0, 2)
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1
    club.assert_books()


def test_bil_8_an_unknown_result_is_kept_and_listed(club: Club) -> None:
    result = replace(billed(club), attempt_id=str(uuid4()), callback_id="r1")
    nonsense = replace(result, attempt_id="not a uuid", callback_id="r2")
    assert club.report(result, nonsense).unmatched == 2
    states = club.rows("SELECT callback_id, state FROM callback ORDER BY callback_id")
    assert states == [("r1", CallbackState.UNMATCHED), ("r2", CallbackState.UNMATCHED)]


def test_bil_8_a_result_about_another_amount_is_an_exception_never_applied(club: Club) -> None:
    result = replace(billed(club), amount=Money(3499, "USD"))
    assert club.report(result).unmatched == 1
    assert club.one("SELECT state FROM payment") == "pending"
    assert club.one("SELECT state FROM callback") == CallbackState.EXCEPTION
    assert "35.00 USD" in club.one("SELECT reason FROM callback")


def test_bil_8_a_second_result_of_one_attempt_is_an_exception(club: Club) -> None:
    result = billed(club)
    late = replace(result, callback_id="late", code="D03")
    assert club.report(result).applied == 1
    assert club.report(late).unmatched == 1
    assert club.one("SELECT state FROM payment") == "approved"


def test_bil_8_a_page_with_two_results_of_one_attempt_applies_one(club: Club) -> None:
    result = billed(club)
    tally = club.report(result, replace(result, callback_id="second"))
    assert (tally.applied, tally.unmatched) == (1, 1)
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1


def test_bil_8_a_callback_that_contradicts_the_first_one_of_its_id_is_an_exception(club: Club) -> None:
    result = billed(club)
    other = replace(result, code="D03", message="Insufficient funds")
    worded = replace(result, message="Thank you")
    assert club.report(result, other).applied == 1
    assert club.report(other, worded, result).applied == 0
    assert club.rows(
        "SELECT state, body ->> 'code', reason FROM callback WHERE callback_id <> :id", id=result.callback_id
    ) == [("exception", "D03", "A callback with the same id said something else before.")]
    assert club.one("SELECT state FROM payment") == "approved"
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1


def test_bil_8_a_processor_that_corrects_a_result_under_its_id_is_heard(club: Club) -> None:
    result = billed(club)
    club.report(replace(result, amount=Money(3499, "USD")))
    club.report(result)
    (corrected,) = club.rows("SELECT callback_id FROM callback WHERE callback_id <> :id", id=result.callback_id)
    with club.units.begin(club.context()) as tx:
        kind = CallbackKind.PAYMENT_RESULT
        resolve_callback(tx, ResolveCallback(kind, corrected[0], Resolution.AS_SUBMITTED, "confirmed by phone"))
    assert club.one("SELECT state FROM payment") == "approved"
    club.assert_books()


def test_bil_8_deposits_that_two_sources_name_alike_are_both_taken_at_the_door(club: Club, server: Any) -> None:
    stub = server.stub(processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub)

    def told(source: str, minor: int) -> pb.ReportedDeposit:
        gross = money_to_proto(Money(minor, "USD"))
        return pb.ReportedDeposit(deposit_id="d1", source=source, deposit_date=date_to_proto(DAY), gross=gross)

    parent = f"enterprises/{ENTERPRISE_ID}"
    for source in ("acme", "bank", "acme"):
        stub.ReportDeposits(pb.ReportDepositsRequest(parent=parent, deposits=[told(source, 3500)]), timeout=5)
    stub.ReportDeposits(pb.ReportDepositsRequest(parent=parent, deposits=[told("bank", 100)]), timeout=5)
    assert club.rows("SELECT source, deposit_key, gross_minor FROM deposit ORDER BY 1") == [
        ("acme", "d1", 3500),
        ("bank", "d1", 3500),
    ]
    (listed,) = stub.ListUnmatchedCallbacks(
        pb.ListUnmatchedCallbacksRequest(parent=parent), timeout=5
    ).unmatched_callbacks
    assert (listed.kind, listed.reason) == ("deposit", "A callback with the same id said something else before.")


def test_bil_8_a_result_faster_than_our_own_record_of_the_submission_stays(club: Club) -> None:
    club.wire.lose_answers = 1
    result = billed(club)
    assert club.one("SELECT state FROM payment") == "unknown"
    assert club.report(result).applied == 1
    club.ask("ask-processor")
    assert club.one("SELECT state FROM payment") == "approved"
    assert club.one("SELECT state FROM batch") == "submitted"


def test_bil_8_kept_callbacks_are_applied_by_the_janitor_when_their_process_ended(club: Club) -> None:
    result = billed(club)
    with club.units.begin(club.context()) as tx:
        keep_results(tx, [result])
    apply_left_over(club)
    assert club.one("SELECT state FROM payment") == "approved"


def test_bil_8_an_unmatched_result_is_matched_when_its_attempt_appears(club: Club) -> None:
    result = billed(club)
    with club.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE hidden AS SELECT * FROM attempt; DELETE FROM attempt")
    assert club.report(result).unmatched == 1
    apply_left_over(club)
    assert club.one("SELECT state FROM callback") == CallbackState.UNMATCHED
    with club.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO attempt SELECT * FROM hidden")
    apply_left_over(club)
    assert club.rows("SELECT state, reason FROM callback") == [("applied", "")]
    assert club.one("SELECT state FROM payment") == "approved"


def test_bil_8_deposits_are_kept_handed_over_once_and_an_exception_when_told_otherwise(club: Club) -> None:
    told = DepositCallback("d1", "acme", "s1", DAY, 1, "Original", "VISA", 3500, 100, "USD", "")
    assert report_deposits(club, told, replace(told, callback_id="d2")).applied == 2
    assert report_deposits(club, told).repeated == 1
    assert club.one("SELECT count(*) FROM deposit") == 2
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [_notice(replace(told, callback_id="d3"))])
    assert report_deposits(club, replace(told, callback_id="d3", gross_minor=1)).unmatched == 1
    assert club.one("SELECT state FROM callback WHERE callback_id = 'd3'") == CallbackState.EXCEPTION
    assert club.one("SELECT count(*) FROM deposit") == 3


def test_bil_8_a_deposit_in_another_currency_than_its_batch_is_an_exception_and_moves_nothing(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.play(DAY)
    euros = DepositCallback("d1", "acme", "s1", DAY, 1, "Original", "VISA", 3500, 100, "EUR", "")
    assert report_deposits(club, euros).unmatched == 1
    assert club.one("SELECT state, reason FROM callback WHERE callback_id = 'd1'") == (
        "exception",
        "Deposit d1 of acme is in EUR, batch 1 in USD.",
    )
    assert club.one("SELECT count(*) FROM deposit") == 0
    assert report_deposits(club, replace(euros, callback_id="d2", currency="USD")).applied == 1
    club.assert_books()


def apply_left_over(club: Club) -> None:
    task: Any = type("Task", (), {"id": uuid4()})
    CallbackProcesses(club.units).apply_left_over(task)


def report_deposits(club: Club, *deposits: DepositCallback) -> Tally:
    with club.units.begin(club.context()) as tx:
        keep_deposits(tx, deposits)
    with club.units.begin(club.context()) as tx:
        return apply_deposits(tx, [one.callback_id for one in deposits])


def test_bil_8_the_grpc_door_takes_results_of_a_processor_and_lists_what_does_not_fit(
    club: Club, server: Any, tokens: Any
) -> None:
    found = billed(club)
    token = tokens.token("acme", ["processor"], [f"enterprises/{ENTERPRISE_ID}"])
    door = server.stub(processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub, token)
    known = pb.PaymentResult(
        result_id="r1",
        attempt_id=str(found.attempt_id),
        code="A01",
        amount=money_to_proto(found.amount),
    )
    unknown = pb.PaymentResult(result_id="r2", attempt_id=str(uuid4()), code="A01")
    parent = f"enterprises/{ENTERPRISE_ID}"
    answer = door.ReportPaymentResults(
        pb.ReportPaymentResultsRequest(parent=parent, results=[known, unknown]), timeout=5
    )
    assert (answer.applied, answer.unmatched) == (1, 1)
    listed = door.ListUnmatchedCallbacks(pb.ListUnmatchedCallbacksRequest(parent=parent), timeout=5)
    assert [one.callback_id for one in listed.unmatched_callbacks] == ["r2"]
