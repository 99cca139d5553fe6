"""Many single callbacks at once share a commit, each with its own answer (SPEC BIL-8)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from callback_calls import PARENT, billed
from club import Club

from boss_billing import events
from boss_billing.callbacks.process import Report, ResultReports
from boss_kit.rpc.convert import money_to_proto

MEMBERS = 40


def test_bil_8_calls_that_share_a_commit_get_an_answer_each(club: Club) -> None:
    first, second, third = billed(club, "M1", "M2", "M3")
    reports = ResultReports(club.units)
    unknown = replace(third, attempt_id=str(uuid4()), callback_id="unknown")
    calls = [[first], [second, unknown], [first], [third, second]]
    tallies = reports._apply(reports._keep([Report(club.context(), results) for results in calls]))
    assert [(one.applied, one.repeated, one.unmatched) for one in tallies] == [
        (1, 0, 0),
        (1, 0, 1),
        (0, 1, 0),
        (1, 1, 0),
    ]
    assert len(club.facts(events.PAYMENT_APPROVED)) == 3
    club.assert_books()


def test_bil_8_a_callback_keeps_the_story_of_its_own_call(club: Club) -> None:
    first, second = billed(club, "M1", "M2")
    stories = [replace(club.context(), correlation=one) for one in ("call-1", "call-2")]
    ResultReports(club.units)._keep([Report(stories[0], [first]), Report(stories[1], [second])])
    assert club.rows("SELECT correlation FROM callback ORDER BY 1") == [("call-1",), ("call-2",)]


def test_bil_8_many_single_callbacks_at_once_are_each_applied_once(club: Club, server: Any, tokens: Any) -> None:
    found = billed(club, *(f"M{number:02}" for number in range(MEMBERS)))
    token = tokens.token("acme", ["processor"], [PARENT])
    door = server.stub(processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub, token)
    requests = [
        pb.ReportPaymentResultsRequest(
            parent=PARENT,
            results=[
                pb.PaymentResult(
                    result_id=one.callback_id, attempt_id=one.attempt_id, code="A01", amount=money_to_proto(one.amount)
                )
            ],
        )
        for one in found
        for _ in range(3)
    ]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda request: door.ReportPaymentResults(request, timeout=25), requests))
    assert sum(one.applied for one in answers) == MEMBERS
    assert sum(one.repeated_results for one in answers) == 2 * MEMBERS
    assert len(club.facts(events.PAYMENT_APPROVED)) == MEMBERS
    club.assert_books()
