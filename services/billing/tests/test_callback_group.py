"""Many single callbacks at once share a commit, each with its own answer (SPEC BIL-8)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from callback_calls import PARENT, billed, open_hook, result_body
from club import Club

from boss_billing import events
from boss_billing.callbacks.process import Report, ResultReports
from boss_billing.callbacks.rules import CallbackKind
from boss_billing.callbacks.webhook import GoingOn, Taken, take
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


def test_bil_8_webhooks_that_come_at_the_same_time_are_applied_in_one_transaction(club: Club) -> None:
    taken = []
    for one in billed(club, "M1", "M2", "M3"):
        with club.units.begin(club.context()) as tx:
            take(tx, result_body(one))
        taken.append(Taken(club.units, club.context(), CallbackKind.PAYMENT_RESULT, [f"r-{one.attempt_id}"]))
    transactions = "SELECT count(DISTINCT xmin::text) FROM callback"
    assert club.one(transactions) == 3
    GoingOn.apply([*taken, taken[0]])
    assert club.one(transactions) == 1
    assert len(club.facts(events.PAYMENT_APPROVED)) == 3
    club.assert_books()


def test_bil_8_many_webhooks_at_once_are_each_applied_once(club: Club) -> None:
    bodies = [result_body(one) for one in billed(club, *(f"M{number:02}" for number in range(MEMBERS)))]
    with open_hook(club) as hook, ThreadPoolExecutor(16) as pool:
        sent = [(content, f"m{number}") for number, content in enumerate(bodies) for _ in range(2)]
        answers = list(pool.map(lambda one: hook.post(one[0], message_id=one[1]), sent))
    assert {one.status_code for one in answers} == {200}
    assert sum(one.json()["repeated"] for one in answers) == MEMBERS
    assert len(club.facts(events.PAYMENT_APPROVED)) == MEMBERS
    assert club.one("SELECT count(*) FROM callback WHERE state = 'applied'") == MEMBERS
    club.assert_books()
