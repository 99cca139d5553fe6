"""The Agreement Writer over real gRPC and PostgreSQL (SPEC AGR-4, AGR-6, AGR-10)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from agreements_catalogue import GROUP, LOCATION, PART, PROMOTION
from agreements_catalogue import LINE as BUNDLE_LINE
from agreements_club import ENTERPRISE, Club, cents, day, fact_event, iso, usd
from agreements_desk import Writer
from agreements_frozen import Desk
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import agreement_writer_service_pb2 as pb
from boss.agreements.v1 import due_charge_service_pb2 as due_pb
from boss.agreements.v1 import history_service_pb2 as history_pb
from boss.agreements.v1.agreement_writer_service_pb2_grpc import AgreementWriterServiceStub
from boss.agreements.v1.history_service_pb2_grpc import HistoryServiceStub
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.drafts.process import finish_process
from boss_kit.context import Context
from boss_kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Transient
from boss_kit.ids import new_id
from boss_kit.tasks import Task

GYM, FEE, TAX = 3500, 4900, 289


def agreement(club: Club, draft: Any) -> Any:
    return club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=draft.agreement))


def changes(club: Club, draft: Any) -> list[Any]:
    request = history_pb.ListChangesRequest(parent=draft.agreement)
    return list(club.server.stub(HistoryServiceStub).ListChanges(request).changes)


def due(club: Club, text: str) -> list[Any]:
    club.due_charges.CloseBillDate(
        due_pb.CloseBillDateRequest(business_unit=club.unit, bill_date=day(text), request_id=str(uuid4()))
    )
    request = due_pb.ListDueChargesRequest(parent=club.unit, bill_date=day(text))
    return [charge for page in club.due_charges.ListDueCharges(request) for charge in page.charges]


def one(club: Club, query: str) -> Any:
    with club.units.engine.connect() as connection:
        return connection.scalar(sa.text(query))


def test_agr_4_a_draft_is_quoted_with_lines_taxes_and_the_next_six_bill_dates(writer: Writer) -> None:
    writer.offer()
    found = writer.quote(writer.draft())
    assert [(line.item, cents(line.price), cents(line.tax), line.key_item) for line in found.lines] == [
        ("Gym access", GYM, TAX, True),
        ("Enrolment fee", FEE, 0, False),
    ]
    assert [(tax.display_name, tax.percent) for tax in found.lines[0].taxes] == [("State sales tax", "8.25")]
    assert (cents(found.due_amount), cents(found.due_tax), cents(found.due_total)) == (8400, 289, 8689)
    assert [(iso(one.bill_date), cents(one.total)) for one in found.bill_dates] == [
        (f"2026-{month:02}-01", GYM + TAX) for month in range(2, 8)
    ]
    assert not found.problems


def test_agr_4_the_quote_of_a_fixed_term_names_no_bill_date_after_it(writer: Writer) -> None:
    access = writer.catalogue.item("Summer access", term_months=3)
    locker = writer.catalogue.item("Locker", kind="rental", price=usd(1000))
    bundle = writer.catalogue.bundle(access, "Summer", billing="instalment")
    definition = writer.catalogue.definition(
        PART(bundle=bundle.name, required="Select One"),
        PART(item=locker.name, billing="perpetual"),
        display_name="Summer",
    )
    writer.catalogue.apply(definition)
    writer.parts = {"definition": definition, "bundle": bundle, "fee": locker}
    found = writer.quote(writer.draft())
    assert [(iso(one.bill_date), cents(one.amount)) for one in found.bill_dates] == [
        ("2026-02-01", 4500),
        ("2026-03-01", 4500),
    ]


def test_agr_4_more_than_an_agreement_can_hold_is_refused_by_field(writer: Writer) -> None:
    dear = writer.catalogue.item("Dear", price=usd(10**12), kind="service", basis="unit", units=100_000)
    bundle = writer.catalogue.bundle(dear, "Dear", lines=[BUNDLE_LINE(item=dear.name, is_key_item=True, quantity=1000)])
    definition = writer.catalogue.definition(PART(bundle=bundle.name, required="Select One"), display_name="Dear")
    writer.catalogue.apply(definition)
    writer.parts = {"definition": definition, "bundle": bundle, "fee": dear}
    lines = [pb.DraftLine(bundle=bundle.name)]
    sold = writer.finalize(writer.draft(lines=lines))
    assert cents(agreement(writer.club, sold).price) == 10**15, "the most there is can be sold, billed and used"
    assert cents(due(writer.club, "2026-02-01")[0].amount) == 10**15
    with pytest.raises(InvalidArgument, match=r"draft\.lines: 2,000 of Dear are more than an agreement can hold"):
        writer.draft(lines=[pb.DraftLine(bundle=bundle.name, quantity=2)])


def test_agr_4_a_sale_belongs_to_an_active_location_of_its_unit(writer: Writer) -> None:
    writer.offer()
    north = writer.catalogue.create(LOCATION(display_name="North"))
    sold = writer.finalize(writer.draft(location=north.name))
    assert agreement(writer.club, sold).location == north.name
    with pytest.raises(InvalidArgument, match=r"draft\.location: .* is not a location here"):
        writer.draft(location=f"{writer.club.unit}/locations/{new_id()}")
    writer.catalogue.update(north, inactive=True)
    with pytest.raises(InvalidArgument, match=r"draft\.location: 'North' isn't active"):
        writer.draft(location=north.name)


def test_agr_4_finalizing_gives_number_status_invoice_and_payment(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft())
    assert sold.state == pb.Draft.STATE_FINALIZED
    assert (sold.agreement_number, bool(sold.invoice), bool(sold.payment)) == ("M1", True, True)
    made = agreement(writer.club, sold)
    assert (made.number, made.status, made.term, cents(made.price)) == ("M1", "Active", "perpetual", GYM)
    assert iso(made.next_bill_date) == "2026-02-01"
    (invoice,) = writer.billing.invoices.values()
    assert [(one.item, cents(one.amount), cents(one.tax)) for one in invoice.lines] == [
        ("Gym access", GYM, TAX),
        ("Enrolment fee", FEE, 0),
    ]
    assert [line.charge_key.split("/", 1)[1] for line in invoice.lines] == ["1/recurring", "1/once"]
    assert (iso(invoice.due_date), invoice.agreement) == ("2026-01-01", sold.agreement)
    (payment,) = writer.billing.payments.values()
    assert (payment.tender, cents(payment.amount), payment.invoice) == ("CASH", 8689, sold.invoice)


def test_agr_4_what_was_due_at_sale_is_not_listed_again_and_the_next_cycle_is(writer: Writer) -> None:
    writer.offer()
    writer.finalize(writer.draft())
    assert not due(writer.club, "2026-01-31")
    (charge,) = due(writer.club, "2026-02-01")
    assert (charge.charge_key.split("/", 1)[1], cents(charge.amount), cents(charge.tax)) == ("2/recurring", GYM, TAX)


def test_agr_4_first_days_are_quoted_invoiced_usable_and_never_listed_again(writer: Writer) -> None:
    writer.offer(prorates_first_days=True)
    draft = writer.draft(schedule="monthly_on_15")
    assert cents(writer.quote(draft).due_total) == 1711 + FEE, "14 of 31 days of $35.00, with 8.25 % tax"
    sold = writer.finalize(draft)
    (invoice,) = writer.billing.invoices.values()
    assert [(one.item, cents(one.amount), cents(one.tax), iso(one.period_end_date)) for one in invoice.lines] == [
        ("Gym access", 1581, 130, "2026-01-14"),
        ("Enrolment fee", FEE, 0, "2026-01-01"),
    ]
    assert [iso(one.expiry_date) for one in Desk(writer.club).usable(writer.club.member_name())] == ["2026-01-14"]
    assert agreement(writer.club, sold).status == "Active"
    (charge,) = due(writer.club, "2026-01-15")
    assert (cents(charge.amount), iso(charge.period_start_date)) == (GYM, "2026-01-15")


def test_agr_4_a_sale_repeated_by_any_request_is_one_sale(writer: Writer) -> None:
    writer.offer()
    draft, request_id = writer.draft(), str(uuid4())
    first = writer.finalize(draft, request_id)
    assert writer.finalize(draft, request_id) == first
    assert writer.finalize(draft).agreement == first.agreement
    assert len(writer.billing.invoices) == len(writer.billing.payments) == 1
    assert one(writer.club, "SELECT count(*) FROM agreement") == 1


def test_agr_4_one_that_begins_later_is_pending_start_and_starts_by_itself(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft(start_date=day("2026-01-15")))
    assert agreement(writer.club, sold).status == "Pending Start"
    (invoice,) = writer.billing.invoices.values()
    assert [line.item for line in invoice.lines] == ["Enrolment fee"]
    writer.club.run_day("2026-01-15")
    assert agreement(writer.club, sold).status == "Active"
    (charge,) = due(writer.club, "2026-01-15")
    assert charge.charge_key.endswith("/1/recurring")


def test_agr_4_on_account_is_invoiced_for_its_day_and_not_paid_at_the_desk(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft(tender="", collect_date=day("2026-01-05")))
    (invoice,) = writer.billing.invoices.values()
    assert iso(invoice.due_date) == "2026-01-05"
    assert not writer.billing.payments
    assert not sold.payment


def test_agr_4_an_owner_without_an_account_gets_one(writer: Writer) -> None:
    writer.offer(manual_funding_source_allowed=True)
    writer.finalize(writer.draft(funding_source=""))
    (account,) = writer.billing.accounts
    assert account == f"{writer.club.unit}/accounts/{writer.club.account_id()}"


def test_agr_4_fixed_terms_are_paid_in_full_or_by_instalments_and_end(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft(payment_plan="paid_in_full"))
    made = agreement(writer.club, sold)
    assert (made.term, iso(made.obligation_end_date), made.next_bill_date.year) == ("fixed_12", "2026-12-31", 0)
    (invoice,) = writer.billing.invoices.values()
    assert cents(invoice.lines[0].amount) == 12 * GYM
    writer.club.run_day("2027-01-01")
    assert agreement(writer.club, sold).status == "Expired"


def test_agr_1_a_change_of_the_catalogue_never_alters_what_is_sold(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft())
    writer.catalogue.update(writer.parts["access"], price=usd(9900), display_name="Dearer access")
    assert cents(agreement(writer.club, sold).price) == GYM
    (charge,) = due(writer.club, "2026-02-01")
    assert (charge.item, cents(charge.amount)) == ("Gym access", GYM)


def test_agr_10_a_sale_and_its_signature_are_in_the_change_history(writer: Writer) -> None:
    writer.offer()
    promotion = writer.catalogue.create(
        PROMOTION(display_name="New Year", kind="percent", percent="20", start_date=day("2026-01-01"), items=[])
    )
    club = writer.club
    token = club.tokens.token(
        "anna", ["club_manager"], [ENTERPRISE], work_role="Front Desk", location="Denver", workstation="Desk 2"
    )
    anna = club.server.stub(AgreementWriterServiceStub, token=token)
    draft = writer.draft(promotions=[promotion.name], start_date=day("2026-01-05"))
    anna.SignDraft(pb.SignDraftRequest(name=draft.name, signature="electronic", request_id=str(uuid4())))
    sold = writer.finalize(draft, stub=anna)
    signed, new = changes(club, sold)
    by = "part of Front Desk at Denver on Desk 2."
    assert new.summary == (
        "Agreement #M1 (Gold Monthly) was finalized on 1/1/26 with a start date of 1/5/26 by anna, "
        f"{by} Sales Advisor: Ben Ito."
    )
    assert list(new.notable_changes) == [
        "Promotion New Year: Gym access 28.00 USD instead of 35.00 USD",
        "Promotion New Year: Enrolment fee 39.20 USD instead of 49.00 USD",
    ]
    assert signed.summary == f"Agreement #M1 (Gold Monthly) was marked as electronically signed on 1/1/26 by anna {by}"
    assert (signed.change_type, new.change_type) == ("Signature Type", "New Agreement")


def test_agr_4_a_sold_agreement_is_marked_as_signed_once(writer: Writer) -> None:
    writer.offer()
    sold = writer.finalize(writer.draft())
    request = pb.SignAgreementRequest(name=sold.agreement, signature="manual", request_id=str(uuid4()))
    assert writer.stub.SignAgreement(request).signature == "manual"
    assert "marked as manually signed" in changes(writer.club, sold)[0].summary
    request.request_id = str(uuid4())
    with pytest.raises(FailedPrecondition, match="manually signed already"):
        writer.stub.SignAgreement(request)


def test_agr_4_a_change_of_the_draft_unsigns_it_and_an_old_etag_is_refused(writer: Writer) -> None:
    writer.offer()
    draft = writer.draft()
    signed = writer.stub.SignDraft(pb.SignDraftRequest(name=draft.name, signature="manual", request_id=str(uuid4())))
    assert (signed.signature, iso(signed.sign_date)) == ("manual", "2026-01-01")
    signed.schedule = "monthly_on_15"
    changed = writer.stub.UpdateDraft(pb.UpdateDraftRequest(draft=signed, request_id=str(uuid4())))
    assert (changed.schedule, changed.signature) == ("monthly_on_15", "")
    with pytest.raises(Aborted):
        writer.stub.UpdateDraft(pb.UpdateDraftRequest(draft=signed, request_id=str(uuid4())))


def test_agr_4_a_draft_says_back_what_it_holds(writer: Writer) -> None:
    writer.offer()
    draft = writer.draft(barcode="C-77", term_months=6, obligation_months=3)
    assert draft == writer.get(draft)
    again = writer.stub.UpdateDraft(pb.UpdateDraftRequest(draft=draft, request_id=str(uuid4())))
    again.etag = draft.etag
    assert again == draft


def test_agr_4_open_drafts_are_listed_and_thrown_away(writer: Writer) -> None:
    writer.offer()
    first, second = writer.draft(), writer.draft()
    listed = writer.stub.ListDrafts(pb.ListDraftsRequest(parent=writer.club.unit, page_size=1))
    assert [one.name for one in listed.drafts] == [first.name]
    rest = pb.ListDraftsRequest(parent=writer.club.unit, page_size=1, page_token=listed.next_page_token)
    assert [one.name for one in writer.stub.ListDrafts(rest).drafts] == [second.name]
    writer.stub.DiscardDraft(pb.DiscardDraftRequest(name=first.name, request_id=str(uuid4())))
    with pytest.raises(FailedPrecondition, match="discarded"):
        writer.finalize(first)
    request = pb.ListDraftsRequest(parent=writer.club.unit, owner=writer.club.member_name())
    assert [one.name for one in writer.stub.ListDrafts(request).drafts] == [second.name]


@pytest.mark.parametrize(
    ("definition", "draft", "code", "field"),
    [
        ({}, {"lines": []}, "SELECT_ONE_BUNDLE", "parts"),
        ({"barcode_required": True}, {}, "BARCODE_REQUIRED", "barcode"),
        ({"online_only": True}, {}, "ONLINE_ONLY", "definition"),
        ({"qualified_members_only": True}, {}, "QUALIFIED_MEMBERS_ONLY", "member"),
        ({"end_date": day("2025-12-31"), "start_date": day("2025-01-01")}, {}, "NO_LONGER_ON_SALE", "definition"),
        ({}, {"start_date": day("2025-12-31")}, "START_IN_THE_PAST", "start_date"),
        ({}, {"funding_source": ""}, "STATEMENT_BILLING_NOT_ALLOWED", "funding_source"),
        ({}, {"role": "Add-on"}, "PRIMARY_REQUIRED", "primary_agreement"),
    ],
)
def test_agr_4_a_refused_sale_names_the_rule_and_the_field_and_leaves_nothing(
    writer: Writer, definition: Any, draft: Any, code: str, field: str
) -> None:
    writer.offer(**definition)
    made = writer.draft(**draft)
    assert (code, field) in [(one.code, one.field) for one in writer.quote(made).problems]
    with pytest.raises(FailedPrecondition) as refused:
        writer.finalize(made)
    assert (refused.value.reason, refused.value.metadata["field"]) == (code, field)
    assert not writer.billing.invoices
    assert one(writer.club, "SELECT count(*) FROM agreement") == 0
    assert writer.get(made).state == pb.Draft.STATE_DRAFT


def test_agr_1_what_is_not_applied_to_the_unit_is_not_even_drafted(writer: Writer) -> None:
    writer.offer()
    writer.parts["definition"] = writer.catalogue.definition(
        PART(bundle=writer.parts["bundle"].name, required="Select One"), display_name="Elsewhere"
    )
    with pytest.raises(FailedPrecondition) as refused:
        writer.draft()
    assert refused.value.reason == "NOT_APPLIED_TO_UNIT"


def test_agr_4_a_draft_needs_an_owner_there_is(writer: Writer) -> None:
    writer.offer()
    with pytest.raises(NotFound, match="member"):
        writer.draft(owner=writer.club.member_name("M9"))


def test_agr_4_qualified_members_only_sells_to_who_became_a_member(writer: Writer) -> None:
    writer.offer()
    writer.finalize(writer.draft())
    locker = writer.catalogue.item("Locker", kind="rental", price=usd(1500))
    bundle = writer.catalogue.bundle(locker, "Locker bundle")
    definition = writer.catalogue.definition(
        PART(bundle=bundle.name, required="Select One"), display_name="Locker", qualified_members_only=True
    )
    writer.catalogue.apply(definition, writer.catalogue.template("Locker text"))
    sold = writer.finalize(writer.draft(definition=definition.name, lines=[pb.DraftLine(bundle=bundle.name)]))
    assert sold.agreement_number == "M1-2"


def test_agr_4_a_card_is_not_given_to_two_people(writer: Writer) -> None:
    writer.offer(barcode_required=True)
    writer.finalize(writer.draft(barcode="C-1"))
    other = writer.draft(barcode="C-1", owner=writer.add_member("M2"))
    with pytest.raises(FailedPrecondition, match="agreement M1 of somebody else"):
        writer.finalize(other)


def test_agr_6_an_add_on_is_sold_to_a_running_primary_of_a_group_that_allows_it(writer: Writer) -> None:
    writer.offer()
    family = writer.catalogue.create(GROUP(display_name="Family", type="Family", add_ons_allowed=True, add_ons_max=1))
    club = writer.club
    other = writer.add_member("M2")
    primary = writer.finalize(writer.draft(group=family.name, parties=[other]))
    values = {"role": "Add-on", "primary_agreement": primary.agreement, "owner": other}
    add_on = writer.finalize(writer.draft(**values))
    assert add_on.agreement_number == "M2"
    role, group, primary_id = club_row(club, add_on, "role, group_type, primary_agreement_id")
    assert (role, group, str(primary_id)) == ("Add-on", "Family", primary.agreement.rpartition("/")[2])
    with pytest.raises(FailedPrecondition) as refused:
        writer.finalize(writer.draft(**values))
    assert refused.value.reason == "TOO_MANY_ADD_ONS"
    parties = "SELECT count(*) FROM agreement_party WHERE agreement_id = '{}'"
    assert one(club, parties.format(primary.agreement.rpartition("/")[2])) == 2


def club_row(club: Club, sold: Any, columns: str) -> Any:
    with club.units.engine.connect() as connection:
        query = f"SELECT {columns} FROM agreement WHERE id = '{sold.agreement.rpartition('/')[2]}'"
        return connection.execute(sa.text(query)).one()


def test_agr_4_what_billing_refuses_leaves_an_open_draft(writer: Writer) -> None:
    writer.offer()
    draft = writer.draft()
    writer.billing.refusal = FailedPrecondition("ACCOUNT_CLOSED", "The account is closed.")
    with pytest.raises(FailedPrecondition, match="closed"):
        writer.finalize(draft)
    assert writer.get(draft).state == pb.Draft.STATE_DRAFT
    writer.billing.refusal = None
    assert writer.finalize(draft).state == pb.Draft.STATE_FINALIZED


def test_agr_4_a_funding_source_of_somebody_else_is_refused(writer: Writer) -> None:
    writer.offer()
    draft = writer.draft()
    account = next(iter(writer.billing.accounts.values()))
    account.funding_sources[0].valid = False
    with pytest.raises(FailedPrecondition) as refused:
        writer.finalize(draft)
    assert (refused.value.reason, refused.value.metadata["field"]) == (
        "FUNDING_SOURCE_UNUSABLE",
        "funding_source",
    )
    assert writer.get(draft).state == pb.Draft.STATE_DRAFT


def test_agr_4_a_sale_that_was_cut_off_is_finished_with_the_prices_it_was_agreed_at(writer: Writer) -> None:
    writer.offer()
    draft, club = writer.draft(), writer.club
    writer.billing.refusal = Transient("AWAY", "Billing is away.")
    with pytest.raises(Transient):
        writer.finalize(draft)
    assert writer.get(draft).state == pb.Draft.STATE_FINALIZING
    with pytest.raises(FailedPrecondition, match="finalizing"):
        writer.stub.UpdateDraft(pb.UpdateDraftRequest(draft=draft, request_id=str(uuid4())))
    writer.billing.refusal = None
    writer.catalogue.update(writer.parts["access"], price=usd(9900))
    club.set_clock("2026-01-02")
    task = Task(new_id(), UUID(int=0), "finish-sales", "every", {}, None, 1, Context(UUID(int=0)))
    finish_process(club.units, writer.sales)(task)
    sold = writer.get(draft)
    assert (sold.state, sold.agreement_number) == (pb.Draft.STATE_FINALIZED, "M1")
    assert cents(agreement(club, sold).price) == GYM
    assert "was finalized on 1/1/26" in changes(club, sold)[0].summary
    finish_process(club.units, writer.sales)(task)
    assert len(writer.billing.invoices) == 1


def test_design_4_billings_event_before_or_after_the_sale_changes_nothing(writer: Writer) -> None:
    writer.offer()
    draft, club = writer.draft(), writer.club
    writer.billing.refusal = Transient("AWAY", "Billing is away.")
    with pytest.raises(Transient):
        writer.finalize(draft)
    line_id = one(club, "SELECT line_id FROM sale_line LIMIT 1")
    fact = billing_events_pb2.ChargeBilled(charge_key=f"{line_id}/1/recurring", invoice="i")
    club.feed(fact_event("billing", fact, club.account_id(), "2026-01-01"))
    writer.billing.refusal = None
    sold = writer.finalize(draft)
    for line in next(iter(writer.billing.invoices.values())).lines:
        fact = billing_events_pb2.ChargeBilled(charge_key=line.charge_key, agreement=sold.agreement, invoice="i")
        club.feed(fact_event("billing", fact, club.account_id(), "2026-01-01"))
    assert not club.parked()
    assert iso(agreement(club, sold).next_bill_date) == "2026-02-01"


def test_all_the_front_desk_sells_and_an_auditor_does_not(writer: Writer) -> None:
    writer.offer()
    draft, club = writer.draft(), writer.club
    auditor = club.server.stub(AgreementWriterServiceStub, token=club.tokens.token("alex", ["auditor"], [ENTERPRISE]))
    with pytest.raises(PermissionDenied):
        writer.finalize(draft, stub=auditor)
    desk = club.server.stub(AgreementWriterServiceStub, token=club.tokens.token("anna", ["front_desk"], [club.unit]))
    assert desk.QuoteDraft(pb.QuoteDraftRequest(name=draft.name)).due_total.units == 86
    assert writer.finalize(draft, stub=desk).agreement_number == "M1"
