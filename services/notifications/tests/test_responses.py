"""What providers report: once each, matched to the letter (SPEC ARM-9)."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from boss.events.notifications.v1 import notifications_events_pb2 as events_pb
from boss.notifications.v1 import notification_service_pb2 as notification_pb
from boss.notifications.v1 import provider_callback_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st
from notification_facts import NOON, TODAY, Club
from notification_providers import Arm, Provider
from standardwebhooks.webhooks import Webhook as Signature

from boss_kit.errors import InvalidArgument, PermissionDenied
from boss_kit.rpc.convert import time_to_proto
from boss_kit.web import Webhook, WebServer, make_app
from boss_notifications.adapters.port import Certainty
from boss_notifications.clients import CallbackClient
from boss_notifications.dispatch.process import Dispatch
from boss_notifications.intents.store import change
from boss_notifications.responses.process import SandboxResponses
from boss_notifications.responses.rules import ResponseRule, ResponseTable, table_of
from boss_notifications.responses.sandbox import play
from boss_notifications.responses.store import load_table
from boss_notifications.responses.webhook import PATH, take_webhook

RESPONSE = events_pb.NotificationResult.OUTCOME_RESPONSE
TABLE_TEXT = resources.files("boss_notifications").joinpath("data/response_codes.csv").read_text("utf-8")
ROWS = [row for row in csv.DictReader(TABLE_TEXT.splitlines()) if row["channel"] != "Any"]


def rules() -> ResponseTable:
    flags = ("include_in_activity", "completed", "retry", "show_in_ui", "mark_invalid")
    texts = ("channel", "response", "response_detail", "status", "description")
    return table_of(
        ResponseRule(
            number=number, **{name: row[name] for name in texts}, **{name: row[name] == "yes" for name in flags}
        )
        for number, row in enumerate(csv.DictReader(TABLE_TEXT.splitlines()), start=1)
    )


TABLE = rules()


def send(club: Club, channel: str = "Email", **values: Any) -> tuple[UUID, str]:
    """Let one notification go out; give its step and the provider's id of it."""
    step_id = club.request("M1", channel, club.add_template(channel), **values)
    Dispatch(club.units, [Provider(channel, Certainty.QUERYABLE)], Arm().release)(club.task())
    return step_id, club.notification(step_id).provider_message_id


def report(club: Club, *responses: tuple[str, str, str, str], minutes: int = 0) -> pb.ReportResponsesRequest:
    at = time_to_proto(NOON + timedelta(minutes=minutes))
    return pb.ReportResponsesRequest(
        parent=club.enterprise,
        responses=[
            pb.ProviderResponse(
                response_id=one[0],
                provider_message_id=one[1],
                response=one[2],
                response_detail=one[3],
                response_time=at,
            )
            for one in responses
        ],
    )


def test_arm_9_the_database_holds_the_table_to_the_letter(club: Club) -> None:
    with club.units.read(club.context()) as tx:
        assert load_table(tx.connection, club.enterprise_id) == TABLE
    assert len(ROWS) == 26


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['channel']}-{row['response']}-{row['response_detail'][:20]}"
)
def test_arm_9_every_row_of_the_table_comes_back_as_it_says(club: Club, callbacks: Any, row: dict[str, str]) -> None:
    step_id, message_id = send(club, row["channel"])
    words = (row["response"].upper(), row["response_detail"].lower())
    answer = callbacks.ReportResponses(report(club, ("r1", message_id, *words)))
    assert (answer.applied, answer.unmatched) == (1, 0)
    (result,) = [one for one in club.results(step_id) if one.outcome == RESPONSE]
    told = result.rule
    assert (told.status, told.description) == (row["status"], row["description"])
    flags = (told.include_in_activity, told.completed, told.retry, told.show_in_ui, told.mark_invalid)
    names = ("include_in_activity", "completed", "retry", "show_in_ui", "mark_invalid")
    assert flags == tuple(row[name] == "yes" for name in names)
    assert len(club.invalidated()) == (row["mark_invalid"] == "yes")
    assert club.notification(step_id).description == row["description"]


def test_arm_9_a_row_without_detail_takes_any_and_a_specific_one_comes_first() -> None:
    delivered = TABLE.match("Email", "delivered", "250 ok")
    assert delivered is not None
    assert delivered.response == "Delivered"
    assert TABLE.match("Email", "Dropped", "") is None
    assert TABLE.match("Email", "Dropped", "something new") is None
    assert TABLE.match("Phone", "Delivered", "") is None
    assert TABLE.match("Email", "", "") is None, "no response is never a provider's word"
    letter = TABLE.match("Letter", "", "")
    assert letter is not None
    assert letter.description == "Letter Sent"
    general = ResponseRule(90, "Email", "Dropped", "", True, True, "", False, True, False, "any drop")
    table = table_of([general, *TABLE.rules])
    assert table.match("Email", "Dropped", "Invalid") != general
    assert table.match("Email", "Dropped", "something new") == general


@given(st.sampled_from(ROWS), st.randoms(use_true_random=False))
def test_arm_9_matching_ignores_case_and_blanks(row: dict[str, str], random: Any) -> None:
    def shaken(text: str) -> str:
        return " ".join(random.choice([word.upper(), word.lower(), word]) for word in text.split())

    found = TABLE.match(row["channel"], shaken(row["response"]), f" {shaken(row['response_detail'])} ")
    assert found is not None
    assert found.description == row["description"]


def test_arm_9_a_repeat_has_no_second_effect(club: Club, callbacks: Any) -> None:
    step_id, message_id = send(club)
    request = report(club, ("r1", message_id, "Bounce", ""), ("r1", message_id, "Bounce", ""))
    first, second = callbacks.ReportResponses(request), callbacks.ReportResponses(request)
    assert (first.applied, first.repeated_responses) == (1, 1)
    assert (second.applied, second.repeated_responses) == (0, 2)
    assert len([one for one in club.results(step_id) if one.outcome == RESPONSE]) == 1


def test_arm_9_an_older_response_that_comes_late_is_told_but_not_the_last(
    club: Club, callbacks: Any, clock: Callable[[datetime], None]
) -> None:
    step_id, message_id = send(club)
    clock(NOON + timedelta(hours=1))
    callbacks.ReportResponses(report(club, ("r2", message_id, "Opened", ""), minutes=30))
    callbacks.ReportResponses(report(club, ("r1", message_id, "Delivered", ""), minutes=5))
    assert [one.response for one in club.results(step_id) if one.outcome == RESPONSE] == ["Opened", "Delivered"]
    assert club.notification(step_id).response == "Opened"


def test_arm_9_what_matches_nothing_is_kept_and_listed_and_marks_nothing(club: Club, callbacks: Any) -> None:
    step_id, message_id = send(club)
    answer = callbacks.ReportResponses(
        report(club, ("r1", message_id, "Teleported", ""), ("r2", "nobody", "Bounce", ""))
    )
    assert (answer.applied, answer.unmatched) == (0, 2)
    listed = callbacks.ListUnmatchedResponses(pb.ListUnmatchedResponsesRequest(parent=club.enterprise, page_size=1))
    rest = callbacks.ListUnmatchedResponses(
        pb.ListUnmatchedResponsesRequest(parent=club.enterprise, page_size=1, page_token=listed.next_page_token)
    )
    found = [(one.response_id, one.reason) for one in (*listed.unmatched_responses, *rest.unmatched_responses)]
    assert found == [("r1", "UNKNOWN_RESPONSE"), ("r2", "UNKNOWN_MESSAGE")]
    assert club.notification(step_id).state == "sent"
    assert not club.invalidated()


def test_arm_9_an_answer_that_is_faster_than_our_own_record_is_not_lost(club: Club, callbacks: Any) -> None:
    step_id = club.request("M1", "Email", club.add_template("Email"))
    provider = Provider("Email", Certainty.QUERYABLE)
    callbacks.ReportResponses(report(club, ("r1", provider.message_id(club.notification(step_id).id), "Delivered", "")))
    Dispatch(club.units, [provider], Arm().release)(club.task())
    assert [one.outcome for one in club.results(step_id)] == [events_pb.NotificationResult.OUTCOME_SENT, RESPONSE]
    assert club.notification(step_id).state == "answered"
    assert not callbacks.ListUnmatchedResponses(
        pb.ListUnmatchedResponsesRequest(parent=club.enterprise)
    ).unmatched_responses


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_arm_9_an_answer_proves_that_a_message_in_doubt_went_out(club: Club, callbacks: Any, state: str) -> None:
    step_id, message_id = send(club)
    with club.units.begin(club.context()) as tx:
        change(tx.connection, club.enterprise_id, [club.notification(step_id).id], state=state, times_sent=0)
    callbacks.ReportResponses(report(club, ("r1", message_id, "Delivered", "")))
    row = club.notification(step_id)
    assert (row.state, row.times_sent) == ("answered", 1)
    sent = events_pb.NotificationResult.OUTCOME_SENT
    assert [one.outcome for one in club.results(step_id)] == [sent, sent, RESPONSE]


def test_arm_9_an_address_is_never_invalidated_by_a_response(club: Club) -> None:
    step_id, _ = send(club, "Letter", contact="enterprises/x/contacts/y")
    assert club.notification(step_id).state == "sent"
    assert not club.invalidated()


def test_not_4_a_conversation_stops_calls_for_seven_days(
    club: Club, callbacks: Any, clock: Callable[[datetime], None]
) -> None:
    template = club.add_template("Phone")
    _, message_id = send(club, "Phone")
    callbacks.ReportResponses(report(club, ("r1", message_id, "Human Answer", "Human answer detected")))
    provider = Provider("Phone", Certainty.QUERYABLE)
    outcomes = {}
    for days in (1, 6, 7):
        clock(NOON + timedelta(days=days))
        day = TODAY + timedelta(days=days)
        step_id = club.request("M1", "Phone", template, send_date=day)
        Dispatch(club.units, [provider], Arm().release)(club.task(day=day))
        (result,) = club.results(step_id)
        outcomes[days] = result.response
    assert outcomes == {1: "CALL_AFTER_CONVERSATION", 6: "CALL_AFTER_CONVERSATION", 7: ""}


def test_statistics_count_each_invalid_contact_once(club: Club, callbacks: Any, notifications: Any) -> None:
    for number in range(2):
        _, message_id = send(club, contact=club.contact("M1", "email"))
        callbacks.ReportResponses(report(club, (f"r{number}", message_id, "Dropped", "Invalid")))
    club.request("M2", "Email", club.add_template("Email"))
    asked = notification_pb.GetNotificationStatisticsRequest(parent=club.enterprise)
    counted = notifications.GetNotificationStatistics(asked)
    (email,) = counted.channels
    assert (email.channel, email.sent, email.waiting, email.invalidated_contacts) == ("Email", 2, 1, 1)
    assert counted.sent_twice == 0
    assert len(club.invalidated()) == 2, "staff may have cleared the flag in between"


def test_only_providers_and_services_report(club: Club, server: Any, tokens: Any) -> None:
    from boss.notifications.v1 import provider_callback_service_pb2_grpc as grpc_pb

    def stub(role: str, node: str) -> Any:
        return server.stub(grpc_pb.ProviderCallbackServiceStub, token=tokens.token("p", [role], [node]))

    request = report(club, ("r1", "nobody", "Bounce", ""))
    assert stub("provider", club.enterprise).ReportResponses(request).unmatched == 1
    with pytest.raises(PermissionDenied):
        stub("front_desk", club.enterprise).ReportResponses(request)
    with pytest.raises(PermissionDenied):
        stub("provider", f"enterprises/{uuid4()}").ReportResponses(request)


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_providers_clock_may_be_wrong_by_centuries(club: Club, callbacks: Any, year: int) -> None:
    step_id, message_id = send(club, "Phone")
    request = report(club, ("r1", message_id, "Human Answer", "Human answer detected"))
    request.responses[0].response_time.FromDatetime(datetime(year, 1, 1, tzinfo=UTC))
    assert callbacks.ReportResponses(request).applied == 1
    row = club.notification(step_id)
    assert (row.response_time, row.result_date) == (NOON, TODAY)


@pytest.mark.parametrize("field", ["provider_message_id", "response", "response_detail"])
def test_a_text_that_is_too_long_is_the_callers_fault(club: Club, callbacks: Any, field: str) -> None:
    request = report(club, ("r1", "m1", "Bounce", ""))
    setattr(request.responses[0], field, "x" * 100_000)
    with pytest.raises(InvalidArgument) as caught:
        callbacks.ReportResponses(request)
    assert caught.value.violations[0].field == f"responses[0].{field}"


SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.fixture
def webhook_url(club: Club) -> Any:
    server = WebServer(make_app(club.units, [Webhook(PATH, [SECRET], take_webhook)]), "127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{server.port}{PATH}"
    server.stop()


def post(url: str, body: str, webhook_id: str, *, secret: str = SECRET) -> httpx.Response:
    now = datetime.now(UTC)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signature(secret).sign(webhook_id, now, body),
    }
    return httpx.post(url, content=body, headers=headers)


def test_a_signed_webhook_is_the_same_report(club: Club, webhook_url: str) -> None:
    step_id, message_id = send(club)
    one = {"responseId": "r1", "providerMessageId": message_id, "response": "Bounce"}
    body = json.dumps({"parent": club.enterprise, "responses": [one]})
    webhook_id = str(uuid4())
    assert post(webhook_url, body, webhook_id).json() == {"repeated": False}
    assert post(webhook_url, body, webhook_id).json() == {"repeated": True}
    assert post(webhook_url, body, str(uuid4())).json() == {"repeated": False}
    assert len([one for one in club.results(step_id) if one.outcome == RESPONSE]) == 1
    other = "whsec_" + "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhl"
    assert post(webhook_url, body, str(uuid4()), secret=other).status_code == 401


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "{}", '{"parent": "x", "responses": [{"responseId": "r"}]}', '{"parent": 1}']
)
def test_a_malformed_webhook_is_the_callers_fault(webhook_url: str, body: str) -> None:
    assert post(webhook_url, body, str(uuid4())).status_code == 400


def test_not_2_the_sandbox_plays_every_row_and_the_same_for_the_same_seed() -> None:
    played = {
        play(TABLE, "1", f"M{number}", channel, TODAY, TODAY, 0)
        for number in range(4000)
        for channel in ("Email", "Phone", "Letter")
    }
    assert played >= {rule for rule in TABLE.rules if rule.channel != "Any"}
    assert None in played, "some never answer"

    def story(seed: str) -> list[object]:
        return [play(TABLE, seed, f"M{number}", "Phone", TODAY, TODAY, 0) for number in range(50)]

    assert story("1") == story("1") != story("2")


def test_not_2_letters_are_always_sent_in_the_sandbox() -> None:
    played = {play(TABLE, "1", f"M{number}", "Letter", TODAY, TODAY, 0) for number in range(100)}
    assert [rule.description for rule in played if rule] == ["Letter Sent"]


def test_not_2_the_sandbox_answers_through_the_real_door_once(club: Club, server: Any, tokens: Any) -> None:
    from boss_kit.rpc.client import BossChannel

    signer = tokens.signer("notifications")
    door = CallbackClient(BossChannel(server.plain, "notifications", lambda context: signer.token("notifications")))
    step_id, _ = send(club, "Letter")
    sandbox = SandboxResponses(club.units, door.report, "1")
    for _ in range(2):
        sandbox(club.task("sandbox-responses"))
    assert [one.rule.description for one in club.results(step_id) if one.outcome == RESPONSE] == ["Letter Sent"]
    assert club.notification(step_id).state == "answered"


@pytest.mark.parametrize("below", ["x", "enterprises/zzz", "{}/businessUnits/0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f"])
def test_all_3_a_report_is_about_an_enterprise(club: Club, callbacks: Any, below: str) -> None:
    request = report(club, ("r1", "nobody", "Delivered", ""))
    request.parent = below.format(club.enterprise)
    with pytest.raises(InvalidArgument) as caught:
        callbacks.ReportResponses(request)
    assert [found.field for found in caught.value.violations] == ["parent"]
