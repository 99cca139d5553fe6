"""Read documents, and all that one is made of."""

from dataclasses import dataclass
from uuid import UUID

from boss_agreements.agreements.queries import get_agreement
from boss_agreements.agreements.rules import SUSPENSION_FEES
from boss_agreements.agreements.store import Agreement
from boss_agreements.definitions import store as definitions
from boss_agreements.documents import rules, store
from boss_agreements.documents.rules import Document, Signed, Subject
from boss_agreements.documents.sample import sample
from boss_agreements.documents.store import StoredDocument
from boss_agreements.drafts import store as drafts
from boss_agreements.drafts.pricing import bill_dates
from boss_agreements.drafts.store import Draft
from boss_agreements.members import store as members
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.templates.queries import get_template
from boss_agreements.templates.rules import Template
from boss_kit.context import Actor
from boss_kit.days import ONE_DAY
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Order:
    """A document to be made: its words, and what it is made from."""

    agreement: Agreement
    template: Template
    document: Document


def get_document(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID, version: int | None
) -> StoredDocument:
    """Read an agreement's newest document, or the one of a version of the agreement. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, unit_id, agreement_id, version)
    if found is None:
        get_agreement(tx, enterprise_id, unit_id, agreement_id)
        raise NotFound(
            "DOCUMENT_NOT_FOUND",
            "The agreement has no such document; one is made soon after the sale, and none for imported agreements.",
            metadata={"agreement_id": str(agreement_id), "version": str(version or "")},
        )
    return found


def order_of(tx: Transaction, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID) -> Order | None:
    """Read what an agreement's document says; None where no template applies, as for what was imported.

    Raises NotFound without the agreement.
    """
    agreement = get_agreement(tx, enterprise_id, unit_id, agreement_id)
    draft = drafts.of_agreement(tx.connection, enterprise_id, agreement_id)
    template = _template(tx, agreement, draft)
    if template is None:
        return None
    subject = _subject(tx, get_unit(tx, enterprise_id, unit_id), agreement, draft)
    return Order(agreement, template, rules.lay_out(subject, template))


def preview(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, template_id: UUID, agreement_id: UUID | None
) -> Document:
    """Fill a template in with an agreement, or with a made-up one. Raises NotFound."""
    unit = get_unit(tx, enterprise_id, unit_id)
    template = get_template(tx, enterprise_id, unit_id, template_id)
    if agreement_id is None:
        subject = sample(unit.display_name, unit.currency, tx.today(unit.time_zone))
    else:
        agreement = get_agreement(tx, enterprise_id, unit_id, agreement_id)
        subject = _subject(tx, unit, agreement, drafts.of_agreement(tx.connection, enterprise_id, agreement_id))
    return rules.lay_out(subject, template, is_sample=True)


def _template(tx: Transaction, agreement: Agreement, draft: Draft | None) -> Template | None:
    """Read the template an agreement was sold with, else the one of its definition's application."""
    seen = agreement.enterprise_id, agreement.business_unit_id
    if draft is not None and draft.sale is not None:
        return get_template(tx, *seen, draft.sale.template_id, draft.sale.template_version)
    if agreement.definition_id is None:
        return None
    application = definitions.find_application(tx.connection, *seen, agreement.definition_id)
    return get_template(tx, *seen, application.template_id) if application else None


def _subject(tx: Transaction, unit: BusinessUnit, agreement: Agreement, draft: Draft | None) -> Subject:
    sale = draft.sale if draft else None
    lines = sale.agreement.lines if sale else [one for one in agreement.lines if one.billing not in SUSPENSION_FEES]
    charges = sale.charges if sale else ()
    party_ids = drafts.parties_of(tx.connection, agreement.enterprise_id, agreement.id)
    wanted = dict.fromkeys((agreement.member_id, *party_ids))
    people = members.find_members(tx.connection, agreement.enterprise_id, unit.id, wanted)
    by_id = {one.id: one for one in people}
    ends = [line.term_end_date for line in lines if line.is_key_item and line.term_end_date]
    today = tx.today(unit.time_zone)
    return Subject(
        unit.display_name,
        agreement.number,
        agreement.display_name,
        agreement.agreement_type,
        agreement.classification,
        agreement.role,
        agreement.start_date,
        max(ends) - ONE_DAY if ends else None,
        agreement.obligation_end_date,
        sale.finalized if sale else today,
        by_id[agreement.member_id],
        [by_id[one] for one in party_ids if one in by_id],
        sale.sales_advisors if sale else (),
        lines,
        charges,
        sale.tender if sale else "",
        sale.collect_date if sale else today,
        tuple(bill_dates(lines, {one.key for one in charges}, unit.currency)),
        _signed(agreement, draft),
    )


def _signed(agreement: Agreement, draft: Draft | None) -> Signed:
    if draft is None or not draft.signature:
        return Signed(agreement.signature, None, "")
    return Signed(draft.signature, draft.sign_date, Actor.from_json(draft.signed_by).user)
