"""The card updater ahead of a bill day, and what it says of cards nobody asked about (SPEC BIL-4, BIL-8)."""

from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc as grpc_pb
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from callback_calls import PARENT, body, open_hook
from club import DAY, Club, due, request_id, unit_id

from boss_billing import events
from boss_billing.adapters.chance import update_outcome
from boss_billing.callbacks.rules import UpdateCallback
from boss_billing.funding.rules import SubmittedInquiry, UpdateOutcome
from boss_kit.errors import InvalidArgument

AHEAD = 6
BILL_DAY = DAY + timedelta(days=AHEAD)
SOURCES = "SELECT account.number, source.token, source.last4, source.expiry_year, source.is_valid "
SOURCES += "FROM funding_source AS source JOIN account ON account.id = source.account_id ORDER BY number"


@pytest.fixture
def ahead(club: Club) -> Club:
    """Give a club that asks about cards six days before they are due."""
    club.settings(card_updater=True, updater_days_before=AHEAD)
    for number, year in (("M1", "2025"), ("M2", "2030"), ("M3", "2030")):
        club.add_account(number, exp_year=year)
    club.add_account("M4", tender="ACH", exp_month="", exp_year="")
    days = {"M1": BILL_DAY, "M2": BILL_DAY, "M3": BILL_DAY + timedelta(days=1), "M4": BILL_DAY}
    club.due.charges = [due(number, day) for number, day in days.items()]
    return club


def asked(club: Club) -> list[tuple[str, date, str]]:
    """Give whom the card updater was asked about, for which day, and what it said."""
    rows = club.rows(
        "SELECT account.number, inquiry.bill_date, inquiry.outcome FROM card_inquiry AS inquiry "
        "JOIN account ON account.id = inquiry.account_id ORDER BY number, bill_date"
    )
    return [tuple(row) for row in rows]


def answer(club: Club, number: str, outcome: UpdateOutcome, **new: Any) -> UpdateCallback:
    inquiry = club.one(
        "SELECT inquiry.id FROM card_inquiry AS inquiry JOIN account ON account.id = inquiry.account_id "
        "WHERE number = :number",
        number=number,
    )
    values = {"token": "", "last4": "", "expiry_month": 0, "expiry_year": 0} | new
    return UpdateCallback(f"u-{inquiry}", str(inquiry), outcome, **values)


def news(update_id: str, of_token: str, outcome: UpdateOutcome | None, **new: Any) -> UpdateCallback:
    values = {"token": "", "last4": "", "expiry_month": 0, "expiry_year": 0} | new
    return UpdateCallback(update_id, "", outcome, **values, current_token=of_token)


def test_bil_4_cards_of_what_is_due_in_some_days_are_asked_about_once(ahead: Club) -> None:
    ahead.ask("card-updater", DAY)
    assert asked(ahead) == [("M1", BILL_DAY, ""), ("M2", BILL_DAY, "")]
    assert ahead.due.closed == []
    ahead.ask("card-updater", DAY + timedelta(days=1))
    assert asked(ahead) == [("M1", BILL_DAY, ""), ("M2", BILL_DAY, ""), ("M3", BILL_DAY + timedelta(days=1), "")]
    assert ahead.one("SELECT count(*) FROM sandbox_inquiry") == 3


def test_bil_4_an_expired_card_is_renewed_before_its_first_attempt_which_then_needs_no_retry(ahead: Club) -> None:
    ahead.ask("card-updater", DAY)
    ahead.report_updates(
        answer(ahead, "M1", UpdateOutcome.NEW_EXPIRY, expiry_month=3, expiry_year=2029),
        answer(ahead, "M2", UpdateOutcome.NO_CHANGE),
    )
    assert [outcome for _, _, outcome in asked(ahead)] == ["new expiry", "no change"]
    told = [events_pb.FundingSourceChanged.FromString(one.data) for one in ahead.facts(events.SOURCE_CHANGED)]
    # What is as it was is no news.
    assert [one.current.expiry_year for one in told if one.reason == "card_updater"] == [2029]
    assert ahead.rows("SELECT * FROM payment") == []
    ahead.play(BILL_DAY)
    submitted = {one.token: one.expiry_year for batch in ahead.wire.submissions for one in batch.attempts}
    assert submitted == {"tok_M1": 2029, "tok_M2": 2030, "tok_M4": 0}
    assert ahead.rows("SELECT DISTINCT label FROM batch") == [("Original",)]
    ahead.assert_books()


def test_bil_4_a_closed_card_is_told_and_still_tried_so_that_its_decline_is_heard(ahead: Club) -> None:
    ahead.ask("card-updater", DAY)
    ahead.report_updates(answer(ahead, "M1", UpdateOutcome.CLOSED))
    told = events_pb.FundingSourceChanged.FromString(ahead.facts(events.SOURCE_CHANGED)[-1].data)
    assert (told.reason, told.card_updater_outcome, told.current.valid) == ("card_updater", "closed", True)
    ahead.script["tok_M1", 1] = "D06"
    ahead.play(BILL_DAY)
    assert ahead.one("SELECT account_number FROM attempt WHERE response_code = 'D06'") == "M1"


def test_bil_4_an_answer_that_never_comes_is_given_up_and_declines_nothing(ahead: Club) -> None:
    ahead.ask("card-updater", DAY)
    ahead.due.charges = []
    ahead.set_clock(DAY + timedelta(days=11))
    ahead.ask("card-updater", ahead.day)
    assert {outcome for _, _, outcome in asked(ahead)} == {"no answer"}
    late = answer(ahead, "M1", UpdateOutcome.NEW_EXPIRY, expiry_month=3, expiry_year=2029)
    assert ahead.report_updates(late).unmatched == 1
    assert ahead.facts(events.PAYMENT_DECLINED) == []


def test_bil_4_a_planned_attempt_at_an_open_invoice_is_asked_about_too(ahead: Club) -> None:
    ahead.due.charges = [due("M2", DAY)]
    ahead.script["tok_M2", 1] = "D03"
    ahead.play(DAY)
    assert asked(ahead) == []
    ahead.due.charges = []
    ahead.ask("card-updater", DAY + timedelta(days=1))
    assert asked(ahead) == [("M2", DAY + timedelta(days=7), "")]


def test_bil_4_only_units_that_want_it_ask_ahead(club: Club, server: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1", BILL_DAY)]
    club.settings(card_updater=True)
    club.ask("card-updater", DAY)
    assert asked(club) == []
    stub = server.stub(ledger_grpc.LedgerServiceStub)
    unit = f"{PARENT}/businessUnits/{unit_id()}"

    def update(*, updater: bool, days: int) -> Any:
        wanted = ledger_pb.BillingSettings(business_unit=unit, card_updater=updater, card_updater_days_before=days)
        request = ledger_pb.UpdateBillingSettingsRequest(billing_settings=wanted, request_id=request_id())
        return stub.UpdateBillingSettings(request, timeout=10)

    with pytest.raises(InvalidArgument, match="turn it on"):
        update(updater=False, days=5)
    assert update(updater=True, days=AHEAD).card_updater_days_before == AHEAD
    club.ask("card-updater", DAY + timedelta(days=1))
    assert asked(club) == [("M1", BILL_DAY, "")]


def test_bil_4_news_of_a_token_renew_every_source_that_has_it_and_are_told_once(club: Club) -> None:
    for number in ("M1", "M2"):
        club.add_account(number, token="tok_shared")
    club.add_account("M3")
    new = {"token": "tok_new", "last4": "9999", "expiry_month": 2, "expiry_year": 2031}
    update = news("n1", "tok_shared", UpdateOutcome.NEW_NUMBER, **new)
    assert club.report_updates(update).applied == 1
    assert club.report_updates(update).repeated == 1
    assert [tuple(row) for row in club.rows(SOURCES)] == [
        ("M1", "tok_new", "9999", 2031, True),
        ("M2", "tok_new", "9999", 2031, True),
        ("M3", "tok_M3", "4242", 2030, True),
    ]
    told = [events_pb.FundingSourceChanged.FromString(one.data) for one in club.facts(events.SOURCE_CHANGED)][-2:]
    assert {(one.reason, one.card_updater_outcome, one.current.last4, one.previous.last4) for one in told} == {
        ("card_updater", "new number", "9999", "4242")
    }
    changes = club.rows("SELECT previous_last4, last4 FROM funding_source_change WHERE reason = 'card_updater'")
    assert [tuple(row) for row in changes] == [("4242", "9999")] * 2


def test_bil_4_news_that_renew_a_declined_card_let_its_invoice_be_tried_again(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D16"
    club.play(DAY)
    assert club.one("SELECT next_attempt_date FROM invoice") is None
    club.report_updates(news("n1", "tok_M1", UpdateOutcome.NEW_EXPIRY, expiry_month=2, expiry_year=2033))
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=1)
    club.play(DAY + timedelta(days=1))
    assert club.one("SELECT balance_minor FROM invoice") == 0
    club.assert_books()


def test_bil_5_news_never_make_a_source_valid_again_whose_holder_said_stop(club: Club) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D13"
    club.play(DAY)
    assert club.one("SELECT is_valid FROM funding_source") is False
    club.report_updates(news("n1", "tok_M1", UpdateOutcome.NEW_EXPIRY, expiry_month=2, expiry_year=2033))
    assert club.one("SELECT expiry_year, is_valid FROM funding_source") == (2033, False)
    assert club.one("SELECT next_attempt_date FROM invoice") is None
    club.play(DAY + timedelta(days=1))
    assert club.one("SELECT count(*) FROM attempt") == 1


def test_bil_8_news_of_an_unknown_token_wait_until_a_source_has_it(club: Club) -> None:
    update = news("n1", "tok_M1", UpdateOutcome.NEW_EXPIRY, expiry_month=2, expiry_year=2033)
    assert club.report_updates(update).unmatched == 1
    club.ask("apply-callbacks")
    assert club.one("SELECT state, reason FROM callback") == (
        "unmatched",
        "No funding source has the token it is about.",
    )
    club.add_account("M1")
    club.ask("apply-callbacks")
    assert club.one("SELECT state FROM callback") == "applied"
    assert club.one("SELECT expiry_year FROM funding_source") == 2033


@pytest.mark.parametrize(
    ("outcome", "new", "reason"),
    [
        (None, {}, "no outcome"),
        (UpdateOutcome.NEW_NUMBER, {"last4": "9999"}, "has no token"),
        (UpdateOutcome.NEW_EXPIRY, {"expiry_month": 13, "expiry_year": 2030}, "has none"),
    ],
)
def test_bil_8_news_that_lack_what_is_new_are_exceptions_and_change_nothing(
    club: Club, outcome: UpdateOutcome | None, new: dict[str, Any], reason: str
) -> None:
    club.add_account("M1")
    before = club.rows(SOURCES)
    assert club.report_updates(news("n1", "tok_M1", outcome, **new)).unmatched == 1
    found = club.one("SELECT state, reason FROM callback")
    assert (found.state, reason in found.reason) == ("exception", True)
    assert club.rows(SOURCES) == before


def test_bil_8_two_news_of_one_token_in_a_page_change_it_once(club: Club) -> None:
    club.add_account("M1")
    club.report_updates(
        news("n1", "tok_M1", UpdateOutcome.NEW_EXPIRY, expiry_month=2, expiry_year=2033),
        news("n2", "tok_M1", UpdateOutcome.NEW_EXPIRY, expiry_month=2, expiry_year=2034),
    )
    assert dict(club.rows("SELECT callback_id, state FROM callback")) == {"n1": "applied", "n2": "exception"}
    assert club.one("SELECT expiry_year FROM funding_source") == 2033


def test_bil_8_news_come_by_grpc_and_by_webhook(club: Club, server: Any, tokens: Any) -> None:
    club.add_account("M1")
    club.add_account("M2")
    door = server.stub(grpc_pb.ProcessorCallbackServiceStub, tokens.token("acme", ["processor"], [PARENT]))
    update = pb.AccountUpdate(
        update_id="n1",
        current_token="tok_M1",
        outcome=pb.AccountUpdate.OUTCOME_NEW_EXPIRY,
        expiry_month=2,
        expiry_year=2033,
    )
    answered = door.ReportAccountUpdates(pb.ReportAccountUpdatesRequest(parent=PARENT, updates=[update]), timeout=5)
    assert answered.applied == 1
    content = {"updateId": "n2", "currentToken": "tok_M2", "outcome": "OUTCOME_NEW_EXPIRY"}
    with ExitStack() as stack:
        hook = stack.enter_context(open_hook(club))
        sent = body("account.updates", updates=[content | {"expiryMonth": 3, "expiryYear": 2034}])
        assert hook.post(sent).status_code == 200
    assert [row.expiry_year for row in club.rows(SOURCES)] == [2033, 2034]


def test_bil_8_refund_results_come_by_grpc_and_by_webhook_and_unknown_ones_are_listed(
    club: Club, server: Any, tokens: Any
) -> None:
    door = server.stub(grpc_pb.ProcessorCallbackServiceStub, tokens.token("acme", ["processor"], [PARENT]))
    first = str(uuid4())
    result = pb.RefundResult(result_id="r1", refund_id=first, code="A02")
    answered = door.ReportRefundResults(pb.ReportRefundResultsRequest(parent=PARENT, results=[result]), timeout=5)
    assert answered.unmatched == 1
    with ExitStack() as stack:
        hook = stack.enter_context(open_hook(club))
        sent = body("refund.results", results=[{"resultId": "r2", "refundId": "nobody's", "code": "D06"}])
        assert hook.post(sent).status_code == 200
    listed = server.stub(grpc_pb.ProcessorCallbackServiceStub).ListUnmatchedCallbacks(
        pb.ListUnmatchedCallbacksRequest(parent=PARENT), timeout=5
    )
    found = [(one.callback_id, one.kind, one.refund_id, one.code) for one in listed.unmatched_callbacks]
    assert found == [("r1", "refund_result", first, "A02"), ("r2", "refund_result", "nobody's", "D06")]


def test_bil_4_the_sandbox_has_nothing_new_for_a_card_that_is_in_date_on_its_bill_day() -> None:
    def ask(year: int, number: str) -> UpdateOutcome:
        card = SubmittedInquiry(uuid4(), number, "VISA", f"tok_{number}", "4242", 1, year, BILL_DAY)
        return update_outcome("1", card, DAY)

    numbers = [f"M{number}" for number in range(40)]
    assert {ask(2026, number) for number in numbers} == {UpdateOutcome.NO_CHANGE}
    assert UpdateOutcome.NEW_EXPIRY in {ask(2025, number) for number in numbers}
