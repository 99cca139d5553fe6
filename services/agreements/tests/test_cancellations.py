"""The cancellation wizard over the API, billing's answers and the daily job (SPEC AGR-6, AGR-7, AGR-8)."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from agreements_billing import answer, bill, close, item, listed, sell, skipped
from agreements_catalogue import REQUEST_REASON, RULES, SHARED, WORK_ROLE
from agreements_club import Club, cents, day, iso, record
from agreements_wizard import Wizard
from boss.agreements.v1 import activity_service_pb2 as activity_pb
from boss.agreements.v1 import activity_service_pb2_grpc as activity_grpc
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import cancellation_service_pb2 as pb
from boss.agreements.v1 import reason_service_pb2
from boss.billing.v1 import refund_service_pb2 as refund_pb
from boss.billing.v1 import refund_service_pb2_grpc as refund_grpc
from boss.events.agreements.v1 import agreements_events_pb2

from boss_agreements.cancellations.process import return_process
from boss_agreements.cancellations.returns import RETURN_TASK
from boss_agreements.clients import BillingClient
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from boss_kit.rpc.client import BossChannel
from boss_kit.tasks import TaskRunner


@pytest.fixture
def wizard(club: Club) -> Wizard:
    """Give the wizard of a club with a member."""
    club.set_clock("2026-05-20")
    club.import_records(record(1, start_date="2027-05-31"))
    club.facts()
    return Wizard(club)


def status(club: Club, name: str) -> str:
    found: str = club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=name)).status
    return found


def test_agr_8_a_cancellation_on_the_14th_bills_14_days_and_is_then_final_invoiced(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    preview = wizard.preview(gold, "2026-06-14")
    assert [(cents(one.amount), iso(one.period_end_date)) for one in preview.final_charges] == [(1633, "2026-06-14")]
    assert [notice.code for notice in preview.notices] == ["PRORATED_FINAL_BILL"]
    assert cents(preview.cancellation.amount_due_to_customer) == 0
    made = wizard.request(gold, "2026-06-14", received_date=day("2026-04-30"))
    assert (made.status, made.whole_agreement, iso(made.received_date)) == ("Future", True, "2026-04-30")
    wizard.club.set_clock("2026-06-01")
    close(wizard.club, "2026-06-01")
    (charge,) = listed(wizard.club, "2026-06-01")
    assert (cents(charge.amount), charge.description) == (1633, "Item 1, 2026-06-01 to 2026-06-14")
    answer(wizard.club, "2026-06-01", charge)
    assert wizard.get(made).status == "Final Invoiced"
    with pytest.raises(FailedPrecondition) as refused:
        wizard.rescind(made)
    assert refused.value.reason == "FINAL_INVOICED"
    wizard.run_day("2026-06-13")
    assert status(wizard.club, gold) == "Active"
    wizard.run_day("2026-06-14")
    assert (status(wizard.club, gold), wizard.get(made).status) == ("Cancelled", "Complete")
    assert bill(wizard.club, "2026-07-01") == []
    assert skipped(wizard.club, "2026-07-01") == [("sold", "CANCELLED")]
    close(wizard.club, "2026-08-01")
    assert skipped(wizard.club, "2026-08-01") == [], "its end is told once"


def test_agr_7_an_immediate_cancellation_takes_effect_at_once_and_is_told(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    made = wizard.request(gold, "2026-05-20", comments="Moves to Boston.")
    assert (made.status, iso(made.complete_date)) == ("Complete", "2026-05-20")
    assert status(wizard.club, gold) == "Cancelled"
    changed = [
        fact.status for _, fact in wizard.club.facts() if isinstance(fact, agreements_events_pb2.AgreementChanged)
    ]
    assert changed[-1] == "Cancelled"
    with pytest.raises(FailedPrecondition, match="is Cancelled; only one that runs"):
        wizard.request(gold, "2026-05-20")


def test_agr_10_a_cancellation_is_in_the_change_history(wizard: Wizard) -> None:
    from boss.agreements.v1 import history_service_pb2, history_service_pb2_grpc

    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.request(gold, "2026-05-20", comments="Moves to Boston.")
    history = wizard.club.server.stub(history_service_pb2_grpc.HistoryServiceStub)
    (change,) = history.ListChanges(history_service_pb2.ListChangesRequest(parent=gold)).changes
    assert change.change_type == "Cancellation"
    assert change.summary.startswith(
        "Agreement #sold (Gold) status was changed from active to cancelled effective 5/20/26 with a reason of Moving "
        "which was received on 5/20/26 and entered by "
    )
    assert list(change.notable_changes) == ["Item cancelled: Item 1", "Comments: Moves to Boston."]


def test_agr_10_cancelled_items_of_an_agreement_that_goes_on_are_in_the_change_history(wizard: Wizard) -> None:
    from boss.agreements.v1 import history_service_pb2, history_service_pb2_grpc

    towels = item(2, 900, "2026-06-01", is_required=False, item_kind="rental", quantity=3)
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), towels, start="2026-06-01")
    items = [pb.CancelledItem(line_id=str(towels.id), quantity=2)]
    wizard.request(gold, "2026-05-20", items=items, comments="Two are enough.")
    history = wizard.club.server.stub(history_service_pb2_grpc.HistoryServiceStub)
    (change,) = history.ListChanges(history_service_pb2.ListChangesRequest(parent=gold)).changes
    assert (change.change_type, status(wizard.club, gold)) == ("Cancellation", "Active")
    assert change.summary.startswith(
        "Agreement #sold (Gold) had items cancelled effective 5/20/26 with a reason of Moving which was received on "
        "5/20/26 and entered by "
    )
    assert list(change.notable_changes) == ["Item cancelled: 2 x Item 2", "Comments: Two are enough."]


def test_agr_7_a_rescinded_request_stays_rescinded_and_the_agreement_goes_on(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    made = wizard.request(gold, "2026-06-14")
    assert wizard.rescind(made).status == "Rescinded"
    wizard.run_day("2026-06-14")
    assert (status(wizard.club, gold), wizard.get(made).status) == ("Active", "Rescinded")
    with pytest.raises(FailedPrecondition) as refused:
        wizard.rescind(made)
    assert refused.value.reason == "NOT_RESCINDABLE"
    close(wizard.club, "2026-06-14")
    assert [cents(charge.amount) for charge in listed(wizard.club, "2026-06-14")] == [3500]


def test_agr_7_optional_items_are_cancelled_alone_in_their_quantity(wizard: Wizard) -> None:
    towels = item(2, 900, "2026-06-01", is_required=False, item_kind="rental", quantity=3)
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), towels, start="2026-06-01")
    items = [pb.CancelledItem(line_id=str(towels.id), quantity=1)]
    made = wizard.request(gold, "2026-06-15", items=items)
    assert (made.whole_agreement, [(one.item, one.quantity) for one in made.items]) == (False, [("Item 2", 1)])
    close(wizard.club, "2026-06-01")
    charges = listed(wizard.club, "2026-06-01")
    assert sorted(cents(charge.amount) for charge in charges) == [150, 600, 3500], "half a month of one towel"
    answer(wizard.club, "2026-06-01", *charges)
    wizard.run_day("2026-06-15")
    assert (status(wizard.club, gold), wizard.get(made).status) == ("Active", "Complete")
    wizard.club.set_clock("2026-07-01")
    close(wizard.club, "2026-07-01")
    assert sorted(cents(charge.amount) for charge in listed(wizard.club, "2026-07-01")) == [600, 3500]


def test_agr_7_the_required_bundle_selects_all(wizard: Wizard) -> None:
    key, extra = item(1, 3500, "2026-06-01"), item(2, 900, "2026-06-01", is_required=False)
    gold = sell(wizard.club, key, extra, start="2026-06-01")
    made = wizard.request(gold, "2026-06-14", items=[pb.CancelledItem(line_id=str(key.id))])
    assert made.whole_agreement
    assert [one.item for one in made.items] == ["Item 1", "Item 2"]


def test_agr_6_the_add_ons_of_a_primary_are_cancelled_first(wizard: Wizard) -> None:
    primary = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    primary_id = primary.rpartition("/")[2]
    add_on = sell(
        wizard.club,
        item(1, 1500, "2026-06-01", owner="add-on"),
        start="2026-06-01",
        owner="add-on",
        role="Add-on",
        primary_agreement_id=primary_id,
    )
    with pytest.raises(
        FailedPrecondition, match=r"add-on agreement add-on \(Gold\) has to be cancelled first"
    ) as refused:
        wizard.request(primary, "2026-06-14")
    assert refused.value.reason == "ADD_ON_NOT_CANCELLED"
    first = wizard.request(add_on, "2026-06-14")
    wizard.request(primary, "2026-06-20")
    with pytest.raises(FailedPrecondition) as kept:
        wizard.rescind(first)
    assert kept.value.reason == "PRIMARY_PENDING_CANCELLATION"


def test_agr_7_money_goes_back_to_a_funding_source_of_the_agreements_own_account(wizard: Wizard) -> None:
    year = year_paid_in_full(wizard)
    others = f"{wizard.club.unit}/accounts/{uuid4()}/fundingSources/{uuid4()}"
    for ask in (
        lambda: wizard.preview(year, "2026-06-14", funding_source=others),
        lambda: wizard.request(year, "2026-06-14", funding_source=others),
    ):
        with pytest.raises(InvalidArgument, match=r"cancellation\.funding_source: belongs to another account"):
            ask()
    made = wizard.request(year, "2026-06-01")
    assert made.return_state == "due"
    with pytest.raises(InvalidArgument, match=r"funding_source: belongs to another account"):
        wizard.service.FinalizeReturn(
            pb.FinalizeReturnRequest(
                name=made.name, destination="funding source", funding_source=others, request_id=str(uuid4())
            )
        )
    assert wizard.get(made).return_state == "due", "nothing is half done"


def test_agr_7_a_future_refund_needs_a_funding_source(wizard: Wizard) -> None:
    year = sell(wizard.club, item(1, 36500, "2026-06-01", months=12, billing="paid_in_full"), start="2026-06-01")
    bill(wizard.club, "2026-06-01")
    assert cents(wizard.preview(year, "2026-06-14").cancellation.amount_due_to_customer) == 35100
    with pytest.raises(InvalidArgument) as refused:
        wizard.request(year, "2026-06-14")
    assert refused.value.metadata["field"] == "cancellation.funding_source"
    no_refund = wizard.reason(no_refund=True)
    assert wizard.request(year, "2026-06-14", reason=no_refund).status == "Future"


def test_agr_7_full_refund_overrides_the_proration_of_a_line_and_a_refund_reason_all_of_step_1(wizard: Wizard) -> None:
    line = item(1, 36500, "2026-06-01", months=12, billing="paid_in_full")
    year = sell(wizard.club, line, start="2026-06-01")
    bill(wizard.club, "2026-06-01")
    full = wizard.preview(year, "2026-06-14", items=[pb.CancelledItem(line_id=str(line.id), full_refund=True)])
    assert cents(full.cancellation.amount_due_to_customer) == 36500
    by_reason = wizard.preview(year, "2026-06-14", reason=wizard.reason(refund=True))
    assert cents(by_reason.cancellation.amount_due_to_customer) == 36500
    assert "REFUND_OVERRIDE" in [notice.code for notice in by_reason.notices]


@pytest.mark.parametrize(
    ("values", "effective", "reason"),
    [
        ({"immediate_allowed": False}, "2026-05-20", "IMMEDIATE_NOT_ALLOWED"),
        ({"future_allowed": False}, "2026-06-14", "FUTURE_NOT_ALLOWED"),
        ({}, "2026-05-19", "EFFECTIVE_DATE_IN_THE_PAST"),
        ({"rewrite": True}, "2026-06-14", "REASON_NOT_OFFERED"),
        ({"inactive": True}, "2026-06-14", "REASON_NOT_OFFERED"),
        ({"approver_roles": ["General Manager"]}, "2026-06-14", "APPROVAL_REQUIRED"),
    ],
)
def test_agr_7_what_a_reason_does_not_allow_is_refused(
    wizard: Wizard, values: dict[str, Any], effective: str, reason: str
) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.catalogue.create(WORK_ROLE(display_name="General Manager"))
    with pytest.raises(FailedPrecondition) as refused:
        wizard.request(gold, effective, reason=wizard.reason(**values))
    assert refused.value.reason == reason
    assert status(wizard.club, gold) == "Active"


def test_agr_7_an_exception_reason_needs_its_permission(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.usual = wizard.reason()
    desk = Wizard(wizard.club, wizard.club.tokens.token("dana", ["front_desk"], [wizard.club.unit]))
    desk.usual = wizard.usual
    with pytest.raises(PermissionDenied) as refused:
        desk.request(gold, "2026-06-14", exception_reason="Hardship")
    assert refused.value.reason == "EXCEPTION_NOT_ALLOWED"
    assert desk.request(gold, "2026-06-14").status == "Future", "it is always optional"
    wizard.rescind(
        wizard.service.ListCancellations(pb.ListCancellationsRequest(parent=wizard.club.unit)).cancellations[0]
    )
    kept = wizard.request(
        gold, "2026-06-14", exception_reason="Hardship", exception_value="10", exception_comments="Job"
    )
    assert (kept.exception_reason, kept.exception_value, kept.exception_comments) == ("Hardship", "10", "Job")


def test_a_second_request_waits_for_the_first_to_be_rescinded(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.request(gold, "2026-06-14")
    with pytest.raises((FailedPrecondition, InvalidArgument)):
        wizard.request(gold, "2026-06-20")


def test_design_4_a_charge_that_is_being_billed_is_not_changed(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.club.set_clock("2026-06-01")
    close(wizard.club, "2026-06-01")
    with pytest.raises(FailedPrecondition) as refused:
        wizard.request(gold, "2026-06-14")
    assert refused.value.reason == "BILLING_IN_PROGRESS"
    answer(wizard.club, "2026-06-01", *listed(wizard.club, "2026-06-01"))
    made = wizard.request(gold, "2026-06-14")
    assert made.status == "Future", "what is billed already stays as it is"
    wizard.run_day("2026-06-14")
    assert wizard.get(made).status == "Complete"


def test_an_effective_day_whose_bill_is_to_come_waits_for_it(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    made = wizard.request(gold, "2026-06-01")
    wizard.run_day("2026-06-01")
    assert (wizard.get(made).status, status(wizard.club, gold)) == ("Future", "Active")
    close(wizard.club, "2026-06-01")
    (charge,) = listed(wizard.club, "2026-06-01")
    assert cents(charge.amount) == 100, "one day of thirty"
    answer(wizard.club, "2026-06-01", charge)
    assert wizard.get(made).status == "Final Invoiced"
    wizard.run_day("2026-06-02")
    assert (wizard.get(made).status, status(wizard.club, gold)) == ("Complete", "Cancelled")


def test_an_agreement_in_suspension_can_be_cancelled_and_its_suspension_ends_with_it(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    suspension = agreements_pb.Suspension(agreement=gold, type="Freeze", start_date=day("2026-05-20"))
    request = agreements_pb.CreateSuspensionRequest(
        parent=wizard.club.unit, suspension=suspension, request_id=str(uuid4())
    )
    wizard.club.agreements.CreateSuspension(request)
    assert wizard.request(gold, "2026-05-20").status == "Complete"
    found = wizard.club.agreements.ListSuspensions(
        agreements_pb.ListSuspensionsRequest(parent=wizard.club.unit, agreement=gold)
    )
    assert [one.status for one in found.suspensions] == ["Completed"]


def test_cancellations_are_listed_newest_first_by_agreement_and_status(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    first = wizard.request(gold, "2026-06-14")
    wizard.rescind(first)
    second = wizard.request(gold, "2026-06-20")

    def names(**values: Any) -> list[str]:
        request = pb.ListCancellationsRequest(parent=wizard.club.unit, **values)
        return [one.name for one in wizard.service.ListCancellations(request).cancellations]

    assert names(agreement=gold) == [second.name, first.name]
    assert names(statuses=["Rescinded"]) == [first.name]
    page = wizard.service.ListCancellations(pb.ListCancellationsRequest(parent=wizard.club.unit, page_size=1))
    assert names(page_size=1, page_token=page.next_page_token) == [first.name]
    with pytest.raises(NotFound):
        wizard.get(pb.Cancellation(name=f"{wizard.club.unit}/cancellations/{uuid4()}"))


@dataclass
class Billing(refund_grpc.RefundServiceServicer):
    """Stands in for billing: makes returns, or refuses them."""

    refuses: bool = False
    asked: list[Any] = field(default_factory=list)

    def CreateReturn(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        if self.refuses:
            raise FailedPrecondition("MORE_THAN_PAID", "More would come back than was paid.")
        return refund_pb.Return(name=f"{request.parent}/returns/{len(self.asked)}")


@pytest.fixture
def billing(serving: Any, tokens: Any) -> tuple[Billing, BillingClient]:
    """Give a billing service and agreements' client of it."""
    service = Billing()
    running = serving("billing", [partial(refund_grpc.add_RefundServiceServicer_to_server, service)])
    signer = tokens.signer("agreements")
    return service, BillingClient(BossChannel(running.plain, "billing", lambda _context: signer.token("billing")))


def run_returns(wizard: Wizard, client: BillingClient) -> None:
    """Run the tasks that wait."""
    runner = TaskRunner(wizard.club.units.engine, {RETURN_TASK: return_process(wizard.club.units, client)})
    while runner.run_one():
        pass


def year_paid_in_full(wizard: Wizard) -> str:
    line = item(1, 36500, "2026-06-01", months=12, billing="paid_in_full", tax_rate=Decimal(10))
    year = sell(wizard.club, line, start="2026-06-01")
    wizard.club.set_clock("2026-06-01")
    bill(wizard.club, "2026-06-01")
    return year


def test_agr_7_a_future_refund_goes_back_itemized_on_the_effective_date(
    wizard: Wizard, billing: tuple[Billing, BillingClient]
) -> None:
    service, client = billing
    year = year_paid_in_full(wizard)
    source = f"{wizard.club.unit}/accounts/{wizard.club.account_id()}/fundingSources/{uuid4()}"
    made = wizard.request(year, "2026-06-14", funding_source=source)
    wizard.run_day("2026-06-14")
    run_returns(wizard, client)
    (request,) = service.asked
    assert (request.funding_source, request.agreement) == (source, year)
    assert [(line.item, cents(line.amount), cents(line.tax)) for line in request.lines] == [("Item 1", 35100, 3510)]
    done = wizard.get(made)
    assert (done.status, done.return_state, cents(done.amount_due_to_customer)) == ("Complete", "finalized", 38610)
    assert done.return_name.endswith("/returns/1")


def test_agr_7_a_return_is_finalized_before_the_cancellation_is_complete(
    wizard: Wizard, billing: tuple[Billing, BillingClient]
) -> None:
    service, client = billing
    year = year_paid_in_full(wizard)
    made = wizard.request(year, "2026-06-01")
    assert (made.status, made.return_state, status(wizard.club, year)) == ("Final Invoiced", "due", "Cancelled")
    service.refuses = True
    wizard.finalize(made, "cash")
    run_returns(wizard, client)
    refused = wizard.get(made)
    assert (refused.status, refused.return_state) == ("Final Invoiced", "refused")
    assert refused.return_error == "More would come back than was paid."
    service.refuses = False
    assert wizard.finalize(made, "account credit").return_state == "requested"
    run_returns(wizard, client)
    assert wizard.get(made).status == "Complete"
    assert len({request.request_id for request in service.asked}) == 2, "another destination is another request"
    with pytest.raises(FailedPrecondition) as over:
        wizard.finalize(made, "cash")
    assert over.value.reason == "NO_RETURN_DUE"
    with pytest.raises(InvalidArgument):
        wizard.finalize(made, "a bag of gold")


def test_agr_8_the_unused_units_of_a_ten_pack_come_back(wizard: Wizard) -> None:
    pack = item(1, 10000, "2026-06-01", basis="unit", units_per_cycle=Decimal(10), item="Check-In 10 pack")
    gold = sell(wizard.club, pack, start="2026-06-01")
    wizard.club.set_clock("2026-06-01")
    bill(wizard.club, "2026-06-01")
    activities = wizard.club.server.stub(activity_grpc.ActivityServiceStub)

    def redeem(units: str) -> Any:
        request = activity_pb.RedeemRequest(
            member=wizard.club.member_name(), item="Check-In 10 pack", units=units, request_id=str(uuid4())
        )
        return activities.Redeem(request)

    assert redeem("3").outcome == activity_pb.CheckInDecision.OUTCOME_ALLOWED
    preview = wizard.preview(gold, "2026-06-14")
    assert cents(preview.cancellation.amount_due_to_customer) == 7000
    assert [one.unused_units for one in preview.cancellation.items] == ["7.000"]
    assert wizard.request(gold, "2026-06-01").return_state == "due"
    wizard.club.set_clock("2026-06-02")
    assert redeem("1").outcome == activity_pb.CheckInDecision.OUTCOME_DENIED, "what came back is gone"


def test_agr_1_an_effective_date_outside_the_agreement_rules_is_refused_with_the_rule(wizard: Wizard) -> None:
    limits = wizard.catalogue.create(
        RULES(display_name="Notice", cancellation_past_days=5, cancellation_future_days=30)
    )
    definition = wizard.catalogue.membership(agreement_rules=limits.name)
    wizard.usual = wizard.reason()
    links = reason_service_pb2.LinkChoice(names=[wizard.usual.name])
    wizard.catalogue.stub("CancelReason").SetDefinitionReasons(
        reason_service_pb2.SetDefinitionReasonsRequest(
            definition=definition.name, cancel_reasons=links, request_id=str(uuid4())
        )
    )
    definition_id = definition.name.rpartition("/")[2]
    gold = sell(wizard.club, item(1, 3500, "2026-07-01"), start="2026-05-01", definition_id=definition_id)
    for effective in ("2026-05-14", "2026-06-20"):
        with pytest.raises(FailedPrecondition, match="agreement rules 'Notice'") as refused:
            wizard.request(gold, effective)
        assert refused.value.reason == "OUTSIDE_AGREEMENT_RULES"
    assert wizard.request(gold, "2026-05-16").status == "Complete", "within the days that the rules allow back"


def test_agr_7_what_only_waits_for_its_last_bill_is_not_cancelled_any_more(wizard: Wizard) -> None:
    locker = item(2, 500, "2026-06-01", is_required=False)
    gold = sell(wizard.club, item(1, 3500, "2026-06-01", months=1), locker, start="2026-06-01", term="fixed_1")
    wizard.request(gold, "2026-07-20", items=[pb.CancelledItem(line_id=str(locker.id))])
    close(wizard.club, "2026-06-01")
    answer(wizard.club, "2026-06-01", *[one for one in listed(wizard.club, "2026-06-01") if one.item == "Item 1"])
    wizard.club.run_day("2026-07-01")
    assert status(wizard.club, gold) == "Active", "its locker of June is still to be billed"
    with pytest.raises(FailedPrecondition) as refused:
        wizard.request(gold, "2026-07-01")
    assert refused.value.reason == "AGREEMENT_OVER"
    bill(wizard.club, "2026-07-01")
    wizard.club.run_day("2026-07-02")
    assert status(wizard.club, gold) == "Expired"


def test_agr_7_an_exception_names_one_of_the_reasons_that_are_configured(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    assert wizard.preview(gold, "2026-06-14", exception_reason="Anything"), "none is configured"
    wizard.catalogue.create(REQUEST_REASON(display_name="Hardship", use="exception"))
    wizard.catalogue.create(REQUEST_REASON(display_name="Goodwill", use="adjustment"))
    with pytest.raises(InvalidArgument, match="'Goodwill' is not listed; use one of Hardship") as refused:
        wizard.request(gold, "2026-06-14", exception_reason="Goodwill")
    assert refused.value.metadata["field"] == "cancellation.exception_reason"
    assert wizard.request(gold, "2026-06-14", exception_reason="Hardship").exception_reason == "Hardship"


def test_agr_7_exceptions_stay_optional_where_reasons_are_configured(wizard: Wizard) -> None:
    gold = sell(wizard.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    wizard.catalogue.create(REQUEST_REASON(display_name="Hardship", use="exception"), SHARED)
    assert wizard.request(gold, "2026-06-14").status == "Future"
