"""What results make of payments: final declines, rebilling, the card updater (SPEC BIL-4, BIL-5, BIL-7)."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.billing.v1 import billing_events_pb2 as pb
from club import DAY, ENTERPRISE_ID, Club, agreement_id, due, ref, scope, unit_id

from boss_billing import events
from boss_billing.funding.changes import ChangeSource, change_source
from boss_billing.funding.commands import Answer, take_answers
from boss_billing.funding.rules import CURES, CardUpdate, UpdateOutcome, source_id
from boss_billing.payments.commands import TakePayment, take_payment
from boss_billing.payments.rules import Label
from boss_billing.runs.previews import preview_collect
from boss_kit.money import Money


def play(club: Club, code: str, **record: str) -> None:
    """Bill one account and let its first attempt have a result."""
    club.add_account("M1", **record)
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = code
    club.bill()
    club.deliver()


def declines(club: Club) -> list[pb.PaymentDeclined]:
    return [pb.PaymentDeclined.FromString(event.data) for event in club.facts(events.PAYMENT_DECLINED)]


def last_balance(club: Club) -> pb.AccountBalanceChanged:
    return pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)


def test_bil_5_an_approval_pays_the_invoice_and_is_told_once(club: Club) -> None:
    play(club, "A01")
    assert club.one("SELECT balance_minor FROM invoice") == 0
    assert club.one("SELECT state, response_code FROM payment") == ("approved", "A01")
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1
    assert (last_balance(club).balance.units, last_balance(club).attempt_in_flight) == (0, False)
    clearing = "SELECT debit, debit_detail, amount_minor FROM transfer WHERE source = 'payment'"
    assert club.one(clearing) == ("clearing", "VISA", 3500)
    club.assert_books()


def test_bil_7_without_the_card_updater_the_first_decline_is_final(club: Club) -> None:
    play(club, "D16")
    (declined,) = declines(club)
    assert (declined.code, declined.primary, declined.arm_entry, declined.tender) == ("D16", True, True, "VISA")
    assert club.one("SELECT state FROM payment") == "finally_declined"
    assert last_balance(club).open_items[0].declined
    assert not last_balance(club).attempt_in_flight
    club.assert_books()


def test_bil_7_arm_4_a_decline_of_a_source_that_is_not_primary_says_so(club: Club) -> None:
    play(club, "D03", primary_source="no")
    assert [one.primary for one in declines(club)] == [False]


@pytest.mark.parametrize(("code", "arm_entry"), [("D03", True), ("D01", True), ("D09", False), ("D13", True)])
def test_bil_5_every_decline_enters_arm_but_duplicates(club: Club, code: str, arm_entry: bool) -> None:
    play(club, code)
    assert [one.arm_entry for one in declines(club)] == [arm_entry]


@pytest.mark.parametrize("code", ["D14", "E02"])
def test_bil_5_what_was_never_tried_is_no_decline_and_is_tried_by_the_next_run(club: Club, code: str) -> None:
    play(club, code)
    assert declines(club) == []
    assert club.one("SELECT state FROM payment") == "not_attempted"
    assert club.one("SELECT failed_attempts, is_declined FROM invoice") == (0, False)
    club.due.charges = []
    club.play(DAY + timedelta(days=1))
    kinds = club.rows("SELECT kind, state FROM payment ORDER BY payment_date")
    assert kinds == [("New", "not_attempted"), ("On Account", "approved")]
    club.assert_books()


@pytest.mark.parametrize("code", ["D04", "D10", "D11", "D13", "D05"])
def test_bil_5_hard_declines_are_never_resubmitted(club: Club, code: str) -> None:
    play(club, code)
    assert club.one("SELECT next_attempt_date FROM invoice") is None


def test_bil_5_stop_recurring_ends_the_source_for_later_invoices_too(club: Club) -> None:
    play(club, "D13")
    club.set_clock(DAY + timedelta(days=30))
    club.due.charges = [due("M1", DAY + timedelta(days=30), cycle=2)]
    club.bill()
    assert club.one("SELECT count(*) FROM attempt") == 1
    assert club.one("SELECT reason FROM skipped_charge") == "NO_VALID_SOURCE"


def test_bil_6_a_soft_decline_is_resubmitted_after_7_days_as_past_due_and_at_most_3_times(club: Club) -> None:
    play(club, "D03")
    club.due.charges = []
    for number in range(2, 8):
        club.script["tok_M1", number] = "D03"
    for offset in (1, 6, 7, 8, 14, 21, 28, 35):
        club.play(DAY + timedelta(days=offset))
    days = club.rows("SELECT payment_date, kind FROM payment ORDER BY payment_date")
    planned = [DAY + timedelta(days=7 * number) for number in range(4)]
    assert days == list(zip(planned, ["New", "Past Due", "Past Due", "Past Due"], strict=True))
    assert club.one("SELECT failed_attempts, next_attempt_date FROM invoice") == (4, None)
    assert len(declines(club)) == 4


def test_bil_5_a_bank_debit_is_presented_again_only_twice_in_180_days(club: Club) -> None:
    club.settings(rebill_attempts_max=12)
    play(club, "D03", tender="ACH", exp_month="", exp_year="")
    club.due.charges = []
    for number in range(2, 8):
        club.script["tok_M1", number] = "D03"
    for offset in range(7, 36, 7):
        club.play(DAY + timedelta(days=offset))
    assert club.one("SELECT count(*) FROM attempt") == 3
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=180)


def test_sus_4_open_invoices_are_not_collected_until_the_end_date(club: Club) -> None:
    play(club, "D03")
    club.due.charges = []
    account, start, end = ref("M1"), DAY + timedelta(days=3), DAY + timedelta(days=20)
    agreement = f"{account.unit_name}/agreements/{agreement_id('M1')}"
    started = agreements_pb.SuspensionStarted(
        suspension=f"{agreement}/suspensions/{unit_id()}",
        agreement=agreement,
        account=account.name,
        type="Freeze",
        start_date={"year": start.year, "month": start.month, "day": start.day},
        end_date={"year": end.year, "month": end.month, "day": end.day},
        stop_billing=True,
    )
    club.feed((events.SUSPENSION_STARTED, account.id, started))
    # Planned for the seventh day, and from then on each run says why it makes no attempt.
    for offset in (4, 10, 19, 20, 21):
        said = preview_collect_at(club, DAY + timedelta(days=offset))
        club.play(DAY + timedelta(days=offset))
        skipped = club.rows(
            "SELECT agreement_number, reason, description FROM skipped_charge "
            "JOIN bill_run ON bill_run.id = bill_run_id WHERE bill_date = :day",
            day=DAY + timedelta(days=offset),
        )
        held = [("M1-1", "SUSPENDED", f"Suspended until {end}; what is open is collected afterwards.")]
        assert (skipped, said) == ((held, held) if offset in (10, 19) else ([], []))
    assert club.one("SELECT payment_date FROM payment WHERE kind = 'Past Due'") == end


def preview_collect_at(club: Club, day: date) -> list[tuple[str, str, str]]:
    """Say which open invoices a day's run would hold back, and why."""
    with club.units.read(club.context()) as tx:
        planned, _ = preview_collect(tx, scope(), day, ("", UUID(int=0)), 10)
    not_paid = [one.not_paid for agreement in planned for one in agreement.invoices if one.not_paid]
    return [(one.invoice.number, one.reason, one.description) for one in not_paid]


def test_sus_4_an_open_ended_suspension_lets_go_when_it_ends(club: Club) -> None:
    play(club, "D03")
    club.due.charges = []
    account = ref("M1")
    agreement = f"{account.unit_name}/agreements/{agreement_id('M1')}"
    suspension = f"{agreement}/suspensions/{unit_id()}"
    start = {"year": DAY.year, "month": DAY.month, "day": DAY.day}
    started = agreements_pb.SuspensionStarted(
        suspension=suspension, agreement=agreement, account=account.name, start_date=start, stop_billing=True
    )
    club.feed((events.SUSPENSION_STARTED, account.id, started))
    club.play(DAY + timedelta(days=9))
    assert club.one("SELECT count(*) FROM attempt") == 1
    end = date(2026, 1, 15)
    club.set_clock(end)
    ended = agreements_pb.SuspensionEnded(
        suspension=suspension,
        agreement=agreement,
        account=account.name,
        end_date={"year": end.year, "month": end.month, "day": end.day},
    )
    club.feed((events.SUSPENSION_ENDED, account.id, ended))
    club.play(end)
    assert club.one("SELECT payment_date FROM payment WHERE kind = 'Past Due'") == end


def suspension_facts(
    club: Club, *, end: date | None = None, agreement: bool = True, **values: object
) -> dict[str, object]:
    """Write what agreements tells of a suspension of M1 from the bill date on."""
    account = ref("M1")
    name = f"{account.unit_name}/agreements/{agreement_id('M1')}" if agreement else ""
    dates = {"end_date": {"year": end.year, "month": end.month, "day": end.day}} if end else {}
    suspension = f"{account.unit_name}/suspensions/{unit_id()}"
    return {"suspension": suspension, "agreement": name, "account": account.name, **dates, **values}


def start_of(day: date) -> dict[str, object]:
    return {"start_date": {"year": day.year, "month": day.month, "day": day.day}, "stop_billing": True}


def test_sus_4_a_later_end_keeps_open_invoices_from_being_collected_until_then(club: Club) -> None:
    play(club, "D03")
    club.due.charges = []
    account, later = ref("M1"), DAY + timedelta(days=30)
    started = suspension_facts(club, end=DAY + timedelta(days=9), **start_of(DAY))
    club.feed((events.SUSPENSION_STARTED, account.id, agreements_pb.SuspensionStarted(**started)))
    changed = suspension_facts(club, end=later)
    club.feed((events.SUSPENSION_END_CHANGED, account.id, agreements_pb.SuspensionEndChanged(**changed)))
    for offset in (9, 20, 29, 30):
        club.play(DAY + timedelta(days=offset))
    assert club.one("SELECT payment_date FROM payment WHERE kind = 'Past Due'") == later


def test_sus_1_a_suspended_member_without_an_agreement_pays_no_open_invoice_of_the_account(club: Club) -> None:
    play(club, "D03")
    club.due.charges = []
    with club.units.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET agreement_id = NULL"))
    account, back = ref("M1"), DAY + timedelta(days=20)
    facts = suspension_facts(club, agreement=False, applied_to="Member", **start_of(DAY))
    club.feed((events.SUSPENSION_STARTED, account.id, agreements_pb.SuspensionStarted(**facts)))
    for offset in (8, 15):
        club.play(DAY + timedelta(days=offset))
    assert club.one("SELECT count(*) FROM attempt") == 1
    ended = suspension_facts(club, end=back, agreement=False, applied_to="Member")
    club.feed((events.SUSPENSION_ENDED, account.id, agreements_pb.SuspensionEnded(**ended)))
    club.play(back)
    assert club.one("SELECT payment_date FROM payment WHERE kind = 'Past Due'") == back


def test_sus_1_the_end_for_one_agreement_of_a_suspended_member_frees_no_other(club: Club) -> None:
    account = ref("M1")
    other = f"{account.unit_name}/agreements/{unit_id()}"
    facts = suspension_facts(club, applied_to="Member", **start_of(DAY))
    for one in (facts, facts | {"agreement": other}):
        club.feed((events.SUSPENSION_STARTED, account.id, agreements_pb.SuspensionStarted(**one)))
    ended = suspension_facts(club, end=DAY, applied_to="Member") | {"agreement": other}
    club.feed((events.SUSPENSION_ENDED, account.id, agreements_pb.SuspensionEnded(**ended)))
    open_ones = club.rows("SELECT agreement_id FROM suspension WHERE end_date IS NULL")
    assert open_ones == [(agreement_id("M1"),)]


def test_sus_7_the_fees_of_a_suspension_are_collected_while_it_stops_everything_else(club: Club) -> None:
    play(club, "D03")
    account, start = ref("M1"), DAY + timedelta(days=1)
    facts = suspension_facts(club, **start_of(start))
    club.feed((events.SUSPENSION_STARTED, account.id, agreements_pb.SuspensionStarted(**facts)))
    club.due.charges = [due("M1", start, charge_key=f"{account.id}/1/freeze", amount_minor=2500)]
    club.play(start)
    club.due.charges = []
    for offset in (8, 9, 15):
        club.play(DAY + timedelta(days=offset))
    paid = club.rows("SELECT payment_date, amount_minor, kind FROM payment ORDER BY payment_date")
    assert paid == [(DAY, 3500, "New"), (start, 2500, "New"), (start + timedelta(days=7), 2500, "Past Due")]


class TestCardUpdater:
    def answer(self, club: Club, outcome: UpdateOutcome) -> None:
        club.settings(card_updater=True)
        play(club, "D16", exp_month="1", exp_year="2025")
        assert declines(club) == []
        assert last_balance(club).attempt_in_flight
        club.ask("card-updater")
        found = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
        cured = outcome in (UpdateOutcome.NEW_NUMBER, UpdateOutcome.NEW_EXPIRY)
        data = {"expiry_month": 6, "expiry_year": 2029} if cured else {"expiry_month": 0, "expiry_year": 0}
        token = ("tok_new", "9999") if outcome is UpdateOutcome.NEW_NUMBER else ("", "")
        club.report_updates(*(replace(one, outcome=outcome, token=token[0], last4=token[1], **data) for one in found))
        club.do_tasks()

    def test_bil_2_a_retry_is_the_same_payment_again_and_told_as_a_retry(self, club: Club) -> None:
        self.answer(club, UpdateOutcome.NEW_NUMBER)
        told = [pb.PaymentSubmitted.FromString(event.data) for event in club.facts(events.PAYMENT_SUBMITTED)]
        assert [one.kind for one in told] == ["New", "Retry"]
        assert told[0].payment == told[1].payment
        assert club.one("SELECT kind, state FROM payment") == ("New", "pending")
        club.deliver(Label.RETRY)
        assert club.one("SELECT kind, state, is_recovered FROM payment") == ("New", "approved", True)

    def test_bil_4_a_cured_card_is_retried_in_a_batch_with_its_originals_number(self, club: Club) -> None:
        self.answer(club, UpdateOutcome.NEW_NUMBER)
        batches = club.rows("SELECT number, label, state FROM batch ORDER BY label")
        assert batches == [(1, "Original", "submitted"), (1, "Retry", "submitted")]
        assert club.one("SELECT token, last4, expiry_year FROM funding_source") == ("tok_new", "9999", 2029)
        tried = club.rows("SELECT token, expiry_month, expiry_year FROM attempt ORDER BY label")
        assert tried == [("tok_M1", 1, 2025), ("tok_new", 6, 2029)]
        (changed,) = club.facts(events.SOURCE_CHANGED)[1:]
        fact = pb.FundingSourceChanged.FromString(changed.data)
        assert (fact.previous_last4, fact.last4, fact.reason) == ("4242", "9999", "card_updater")
        club.deliver(Label.RETRY)
        (approved,) = club.facts(events.PAYMENT_APPROVED)
        assert pb.PaymentApproved.FromString(approved.data).recovered_by_card_updater
        assert declines(club) == []
        assert club.one("SELECT count(*) FROM payment") == 1
        kinds = [pb.PaymentSubmitted.FromString(event.data).kind for event in club.facts(events.PAYMENT_SUBMITTED)]
        assert kinds == ["New", "Retry"]
        club.assert_books()

    def test_bil_3_retries_keep_their_originals_number_unit_and_bill_date_whenever_they_are_cut(
        self, club: Club
    ) -> None:
        club.settings(card_updater=True)
        for number in ("M1", "M2"):
            club.add_account(number)
            club.script[f"tok_{number}", 1] = "D16"
        club.due.charges = [due("M1"), due("M2")]
        club.bill()
        club.deliver()
        club.ask("card-updater")
        for offset, found in enumerate(club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10), 1):
            club.set_clock(DAY + timedelta(days=offset))
            cured = replace(
                found, outcome=UpdateOutcome.NEW_EXPIRY, token="", last4="", expiry_month=6, expiry_year=2029
            )
            club.report_updates(cured)
            club.do_tasks()
        batches = club.rows("SELECT number, label, part, bill_date, business_unit_id FROM batch ORDER BY label, part")
        place = (DAY, unit_id())
        assert batches == [(1, "Original", 1, *place), (1, "Retry", 1, *place), (1, "Retry", 2, *place)]

    def test_bil_7_a_declined_retry_is_the_final_decline_told_once(self, club: Club) -> None:
        club.script["tok_M1", 2] = "D03"
        self.answer(club, UpdateOutcome.NEW_EXPIRY)
        club.deliver(Label.RETRY)
        assert [one.code for one in declines(club)] == ["D03"]
        assert club.one("SELECT failed_attempts FROM invoice") == 2

    def test_bil_7_a_retry_that_was_never_tried_leaves_the_originals_decline(self, club: Club) -> None:
        club.script["tok_M1", 2] = "D14"
        self.answer(club, UpdateOutcome.NEW_EXPIRY)
        club.deliver(Label.RETRY)
        assert [one.code for one in declines(club)] == ["D16"]

    @pytest.mark.parametrize("outcome", [UpdateOutcome.CLOSED, UpdateOutcome.CONTACT_HOLDER, UpdateOutcome.NO_CHANGE])
    def test_bil_4_any_other_answer_makes_the_decline_final(self, club: Club, outcome: UpdateOutcome) -> None:
        self.answer(club, outcome)
        assert [one.code for one in declines(club)] == ["D16"]
        assert club.one("SELECT outcome FROM card_inquiry") == outcome.value
        assert not last_balance(club).attempt_in_flight

    @pytest.mark.parametrize(
        "outcome", [one for one in UpdateOutcome if one is not UpdateOutcome.NO_ANSWER], ids=lambda one: one.name
    )
    def test_bil_4_every_outcome_is_told_with_what_the_source_was_and_is(
        self, club: Club, outcome: UpdateOutcome
    ) -> None:
        self.answer(club, outcome)
        (event,) = club.facts(events.SOURCE_CHANGED)[1:]
        told = pb.FundingSourceChanged.FromString(event.data)
        assert (told.reason, told.card_updater_outcome) == ("card_updater", outcome.value)
        assert event.version == club.one("SELECT version FROM funding_source")
        assert (told.previous != told.current) is (outcome in CURES)

    def test_bil_4_a_code_the_updater_cannot_cure_is_final_at_once(self, club: Club) -> None:
        club.settings(card_updater=True)
        play(club, "D03")
        assert len(declines(club)) == 1

    def test_bil_4_an_answer_that_never_comes_ends_in_a_final_decline(self, club: Club) -> None:
        club.settings(card_updater=True)
        play(club, "D16")
        club.ask("card-updater")
        club.set_clock(DAY + timedelta(days=9))
        club.ask("card-updater")
        assert declines(club) == []
        club.set_clock(DAY + timedelta(days=10))
        club.ask("card-updater")
        assert len(declines(club)) == 1

    def test_bil_4_an_answer_that_meets_the_end_of_waiting_for_it_is_too_late(self, club: Club) -> None:
        club.settings(card_updater=True)
        play(club, "D16")
        club.ask("card-updater")
        inquiry_id = club.one("SELECT id FROM card_inquiry")
        for outcome in (UpdateOutcome.NO_ANSWER, UpdateOutcome.NEW_EXPIRY):
            with club.units.begin(club.context()) as tx:
                take_answers(tx, [Answer(inquiry_id, outcome, CardUpdate(expiry_month=6, expiry_year=2029))])
        assert len(declines(club)) == 1
        assert club.one("SELECT count(*) FROM attempt") == 1
        assert club.one("SELECT state FROM payment") == "finally_declined"

    def test_bil_8_an_inquiry_takes_one_answer_and_what_comes_beside_or_after_it_is_an_exception(
        self, club: Club
    ) -> None:
        club.settings(card_updater=True)
        play(club, "D16")
        club.ask("card-updater")
        (found,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
        closed = replace(
            found, outcome=UpdateOutcome.CLOSED, token="", last4="", expiry_month=0, expiry_year=0, callback_id="first"
        )
        club.report_updates(replace(closed, callback_id="says nothing", outcome=None))
        club.report_updates(closed, replace(closed, callback_id="second"))
        club.report_updates(replace(closed, callback_id="third"))
        states = dict(club.rows("SELECT callback_id, state FROM callback WHERE kind = 'account_update'"))
        assert states == {"first": "applied"} | dict.fromkeys(("says nothing", "second", "third"), "exception")
        assert len(declines(club)) == 1

    def test_bil_4_a_card_is_not_charged_again_for_what_was_paid_meanwhile(self, club: Club) -> None:
        club.settings(card_updater=True)
        play(club, "D16")
        club.ask("card-updater")
        with club.units.begin(club.context()) as tx:
            take_payment(tx, TakePayment(ref("M1"), Money(3500, "USD"), "CASH"))
        (found,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
        club.report_updates(
            replace(found, outcome=UpdateOutcome.NEW_EXPIRY, expiry_month=1, expiry_year=2030, token="", last4="")
        )
        club.do_tasks()
        assert club.one("SELECT count(*) FROM attempt") == 1
        club.assert_books()


def test_bil_5_a_renewed_source_is_tried_again_from_the_next_day_on(club: Club) -> None:
    play(club, "D05")
    with club.units.begin(club.context()) as tx:
        account = ref("M1")
        card = {"token": "tok_new", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        change_source(tx, ChangeSource(account, source_id(account.id), card))
    club.due.charges = []
    club.play(DAY + timedelta(days=1))
    assert club.one("SELECT kind, state FROM payment WHERE kind <> 'New'") == ("Past Due", "approved")
