"""Callbacks: any order, any number of times, late, or for something unknown (SPEC BIL-8)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from club import ENTERPRISE_ID, Club, due
from standardwebhooks.webhooks import Webhook as Signature

from boss_billing import events
from boss_billing.callbacks.rules import CallbackState
from boss_billing.callbacks.webhook import processor_webhook
from boss_billing.payments.rules import Label
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto
from boss_kit.web import WebServer, make_app

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


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


def test_bil_8_a_result_faster_than_our_own_record_of_the_submission_stays(club: Club) -> None:
    club.wire.lose_answers = 1
    result = billed(club)
    assert club.one("SELECT state FROM payment") == "unknown"
    assert club.report(result).applied == 1
    club.ask("ask-processor")
    assert club.one("SELECT state FROM payment") == "approved"
    assert club.one("SELECT state FROM batch") == "submitted"


def test_bil_8_kept_callbacks_are_applied_by_the_janitor_when_their_process_ended(club: Club) -> None:
    from boss_billing.callbacks import commands
    from boss_billing.callbacks.process import CallbackProcesses

    result = billed(club)
    with club.units.begin(club.context()) as tx:
        commands.keep_results(tx, [result])
    task: Any = type("Task", (), {"id": uuid4()})
    CallbackProcesses(club.units).apply_left_over(task)
    assert club.one("SELECT state FROM payment") == "approved"


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


class TestWebhook:
    def post(self, club: Club, body: bytes, message_id: str = "m1", secret: str = SECRET) -> Any:
        now = datetime.now(UTC)
        signature = Signature(secret).sign(message_id, now, body.decode(errors="replace"))
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        server = WebServer(make_app(club.units, [processor_webhook([SECRET])]), "127.0.0.1:0")
        server.start()
        try:
            return httpx.post(f"http://127.0.0.1:{server.port}/webhooks/processor", content=body, headers=headers)
        finally:
            server.stop()

    def body(self, found: Any, **changes: Any) -> bytes:
        result = {"resultId": "r1", "attemptId": str(found.attempt_id), "code": "A01"} | changes
        data = {"parent": f"enterprises/{ENTERPRISE_ID}", "results": [result]}
        return json.dumps({"type": "payment.results", "data": data}).encode()

    def test_bil_8_a_signed_webhook_is_the_same_command_and_applied_once(self, club: Club) -> None:
        body = self.body(billed(club))
        assert self.post(club, body).status_code == 200
        assert self.post(club, body, "m2").status_code == 200
        assert club.one("SELECT state FROM payment") == "approved"
        assert len(club.facts(events.PAYMENT_APPROVED)) == 1

    def test_bil_8_a_webhook_with_a_wrong_signature_changes_nothing(self, club: Club) -> None:
        body = self.body(billed(club))
        assert self.post(club, body, secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0").status_code == 401
        assert club.one("SELECT state FROM payment") == "pending"

    def test_bil_8_an_unreadable_body_is_the_callers_fault(self, club: Club) -> None:
        for number, body in enumerate((b"{", b"[]", b'{"type": "x", "data": {}}', self.body(billed(club), code=""))):
            assert self.post(club, body, f"m{number}").status_code == 400
