"""Drafts and quotes, to and from protos."""

from uuid import UUID

from boss.agreements.v1 import agreement_writer_service_pb2 as pb

from boss_agreements.agreements.convert import ACCOUNT, AGREEMENT, MEMBER, UNIT, unit_name
from boss_agreements.agreements.rules import PRIMARY
from boss_agreements.catalogue.convert import entry_of, id_of
from boss_agreements.drafts import pricing, rules
from boss_agreements.drafts.commands import DraftName
from boss_agreements.drafts.queries import Priced
from boss_agreements.drafts.rules import Content, DraftLine
from boss_agreements.drafts.store import Draft
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto, time_to_proto

DRAFT = UNIT + "/drafts/{d}"
SOURCE = ACCOUNT + "/fundingSources/{f}"
LOCATION = UNIT + "/locations/{l}"
_STATES = {
    rules.DRAFT: pb.Draft.STATE_DRAFT,
    rules.FINALIZING: pb.Draft.STATE_FINALIZING,
    rules.FINALIZED: pb.Draft.STATE_FINALIZED,
    rules.DISCARDED: pb.Draft.STATE_DISCARDED,
}


def draft_name(name: str) -> DraftName:
    """Read a draft's name."""
    ids = names.parse(DRAFT, name)
    return DraftName(ids["e"], ids["b"], ids["d"])


def agreement_name(name: str) -> DraftName:
    """Read an agreement's name, for what the writer does to a sold agreement."""
    ids = names.parse(AGREEMENT, name)
    return DraftName(ids["e"], ids["b"], ids["a"])


def content(asked: pb.Draft) -> Content:
    """Read what a draft shall hold. Raises InvalidArgument."""
    _check_words(asked)
    start = date_from_proto(asked.start_date, "draft.start_date")
    return Content(
        definition_id=_entry(asked.definition, "definitions", "draft.definition"),
        owner_id=names.parse(MEMBER, asked.owner, "draft.owner")["m"],
        start_date=start,
        schedule=asked.schedule,
        payment=asked.payment_plan,
        term_months=asked.term_months,
        obligation_months=asked.obligation_months,
        lines=tuple(_line(number, line) for number, line in enumerate(asked.lines)),
        account_id=_optional(ACCOUNT, asked.account, "draft.account", "a"),
        party_ids=tuple(names.parse(MEMBER, party, "draft.parties")["m"] for party in asked.parties),
        group_id=id_of(asked.group, "groups", "draft.group"),
        role=asked.role or PRIMARY,
        primary_agreement_id=_optional(AGREEMENT, asked.primary_agreement, "draft.primary_agreement", "a"),
        funding_source_id=_optional(SOURCE, asked.funding_source, "draft.funding_source", "f"),
        promotion_ids=tuple(_entry(one, "promotions", "draft.promotions") for one in asked.promotions),
        promotion_code=asked.promotion_code,
        sales_advisors=tuple(asked.sales_advisors),
        barcode=asked.barcode.strip(),
        is_online=asked.online,
        location_id=_optional(LOCATION, asked.location, "draft.location", "l"),
        tender=asked.tender,
        collect_date=date_from_proto(asked.collect_date, "draft.collect_date")
        if asked.HasField("collect_date")
        else None,
    )


def draft(one: Draft) -> pb.Draft:
    """Write a draft."""
    unit, held = unit_name(one.enterprise_id, one.business_unit_id), one.content
    account = f"{unit}/accounts/{held.account_id}" if held.account_id else ""
    return pb.Draft(
        name=f"{unit}/drafts/{one.id}",
        definition=f"{unit}/definitions/{held.definition_id}",
        owner=f"{unit}/members/{held.owner_id}",
        account=account,
        lines=[_written(unit, line) for line in held.lines],
        start_date=date_to_proto(held.start_date),
        schedule=held.schedule,
        payment_plan=held.payment,
        term_months=held.term_months,
        obligation_months=held.obligation_months,
        parties=[f"{unit}/members/{party}" for party in held.party_ids],
        group=f"{unit}/groups/{held.group_id}" if held.group_id else "",
        role=held.role,
        primary_agreement=f"{unit}/agreements/{held.primary_agreement_id}" if held.primary_agreement_id else "",
        funding_source=f"{account}/fundingSources/{held.funding_source_id}" if held.funding_source_id else "",
        promotions=[f"{unit}/promotions/{one_id}" for one_id in held.promotion_ids],
        promotion_code=held.promotion_code,
        sales_advisors=held.sales_advisors,
        barcode=held.barcode,
        online=held.is_online,
        location=f"{unit}/locations/{held.location_id}" if held.location_id else "",
        tender=held.tender,
        collect_date=date_to_proto(held.collect_date),
        state=_STATES[one.state],
        signature=one.signature,
        sign_date=date_to_proto(one.sign_date),
        agreement=f"{unit}/agreements/{one.agreement_id}" if one.state == rules.FINALIZED else "",
        agreement_number=one.agreement_number,
        invoice=one.invoice,
        payment=one.payment,
        create_time=time_to_proto(one.create_time),
        etag=str(one.version),
    )


def quote(priced: Priced) -> pb.Quote:
    """Write a quote."""
    found = priced.quote
    return pb.Quote(
        lines=[_quoted(line) for line in found.lines],
        due_at_sale=[
            pb.DueAtSale(
                item=one.line.item,
                period_start_date=date_to_proto(one.charge.period_start),
                period_end_date=date_to_proto(one.charge.period_end),
                amount=money_to_proto(one.charge.amount),
                tax=money_to_proto(one.charge.tax),
            )
            for one in found.due
        ],
        due_amount=money_to_proto(found.due_amount),
        due_tax=money_to_proto(found.due_tax),
        due_total=money_to_proto(found.due_total),
        recurring=[
            pb.RecurringAmount(
                schedule=one.schedule.name,
                amount=money_to_proto(one.amount),
                tax=money_to_proto(one.tax),
                total=money_to_proto(one.amount + one.tax),
            )
            for one in found.recurring
        ],
        bill_dates=[
            pb.QuotedBillDate(
                bill_date=date_to_proto(one.day),
                amount=money_to_proto(one.amount),
                tax=money_to_proto(one.tax),
                total=money_to_proto(one.amount + one.tax),
            )
            for one in found.bill_dates
        ],
        obligation_end_date=date_to_proto(found.obligation_end_date),
        problems=[pb.SaleProblem(code=one.code, field=one.field, text=one.text) for one in priced.problems],
    )


def _quoted(quoted: pricing.QuotedLine) -> pb.QuotedLine:
    line = quoted.line
    return pb.QuotedLine(
        item=line.item,
        item_category=line.item_category,
        bundle=line.bundle,
        quantity=line.quantity,
        billing=line.billing,
        schedule=line.schedule.name,
        key_item=line.is_key_item,
        list_price=money_to_proto(line.list_price or line.price),
        price=money_to_proto(line.price),
        tax=money_to_proto(quoted.tax),
        total=money_to_proto(quoted.total),
        taxes=[pb.LineTax(display_name=tax.name, percent=f"{tax.percent.normalize():f}") for tax in line.taxes],
        promotion=line.promotion,
    )


def _line(number: int, line: pb.DraftLine) -> DraftLine:
    field = f"draft.lines[{number}]"
    if bool(line.bundle) == bool(line.item):
        raise InvalidArgument.field(field, "must name a bundle or an item, one of them.")
    if line.billing and line.billing not in rules.LINE_BILLINGS:
        raise InvalidArgument.field(
            f"{field}.billing", f"{line.billing[:40]!r} is not one; use {', '.join(rules.LINE_BILLINGS)}."
        )
    return DraftLine(
        id_of(line.bundle, "bundles", f"{field}.bundle"),
        id_of(line.item, "items", f"{field}.item"),
        line.quantity or 1,
        line.billing,
        line.schedule,
    )


def _written(unit: str, line: DraftLine) -> pb.DraftLine:
    return pb.DraftLine(
        bundle=f"{unit}/bundles/{line.bundle_id}" if line.bundle_id else "",
        item=f"{unit}/items/{line.item_id}" if line.item_id else "",
        quantity=line.quantity,
        billing=line.billing,
        schedule=line.schedule,
    )


def _check_words(asked: pb.Draft) -> None:
    for field, value, choices in (
        ("payment_plan", asked.payment_plan, rules.PAYMENTS),
        ("role", asked.role, rules.ROLES),
    ):
        if value and value not in choices:
            raise InvalidArgument.field(f"draft.{field}", f"{value[:40]!r} is not one; use {' or '.join(choices)}.")


def _entry(name: str, collection: str, field: str) -> UUID:
    return entry_of(name, collection, field).id


def _optional(pattern: str, name: str, field: str, key: str) -> UUID | None:
    return names.parse(pattern, name, field)[key] if name else None
