"""Write, sign and sell drafts (SPEC AGR-4). A sale is two transactions with billing between them (`process.py`)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import rules as agreements
from boss_agreements.agreements import store as sold_agreements
from boss_agreements.agreements.commands import entry, free_number, title
from boss_agreements.agreements.queries import get_agreement
from boss_agreements.agreements.store import Agreement
from boss_agreements.drafts import offers, pricing, rules, store
from boss_agreements.drafts.offers import Terms
from boss_agreements.drafts.rules import Content, SaleCharge
from boss_agreements.drafts.store import Draft, Sale
from boss_agreements.due_charges.commands import BILLED, ChargeAnswered, answer
from boss_agreements.groups.rules import INDIVIDUAL
from boss_agreements.history import rules as sentences
from boss_agreements.history.commands import Change, record
from boss_agreements.members import store as members
from boss_agreements.organization.queries import get_unit
from boss_agreements.templates.queries import get_template
from boss_agreements.timeline.store import tell
from boss_kit.context import Actor
from boss_kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from boss_kit.ids import derived_id, new_id
from boss_kit.unit_of_work import Transaction

DOCUMENT_TASK = "agreement-document"
SIGNATURES = tuple(sentences.SIGNED)


@dataclass(frozen=True)
class DraftName:
    """A draft, by the ids of its name."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID


@dataclass(frozen=True)
class Receipt:
    """What billing made of what is due at sale."""

    invoice: str = ""
    payment: str = ""


def create_draft(tx: Transaction, enterprise_id: UUID, unit_id: UUID, content: Content) -> Draft:
    """Begin a draft. Raises NotFound without the definition or the owner, InvalidArgument for what can't be."""
    made = Draft(new_id(), enterprise_id, unit_id, content.owner_id, rules.DRAFT, content, 1, tx.now, tx.now)
    _check(tx, made)
    store.add(tx.connection, made)
    return made


def update_draft(tx: Transaction, name: DraftName, content: Content, etag: str) -> Draft:
    """Replace what a draft holds; a signature of what it held before is gone.

    Raises Aborted when somebody else changed it, FailedPrecondition when it is sold or discarded.
    """
    before = _lock_open(tx, name)
    if etag and etag != str(before.version):
        raise Aborted(
            "ETAG_MISMATCH",
            "Somebody else changed the draft meanwhile; read it again and repeat the change.",
            metadata={"etag": etag, "current": str(before.version)},
        )
    changed = replace(_next(tx, before), content=content, owner_id=content.owner_id)
    if content != before.content:
        changed = replace(changed, signature="", sign_date=None, signed_by="")
    _check(tx, changed)
    store.save(tx.connection, changed)
    return changed


def discard_draft(tx: Transaction, name: DraftName) -> Draft:
    """Throw a draft away. Raises FailedPrecondition when it is sold."""
    changed = replace(_next(tx, _lock_open(tx, name)), state=rules.DISCARDED)
    store.save(tx.connection, changed)
    return changed


def sign_draft(tx: Transaction, name: DraftName, signature: str) -> Draft:
    """Note that a draft is signed, electronically or on paper. Raises FailedPrecondition, InvalidArgument."""
    _check_signature(signature)
    before = _lock_open(tx, name)
    today = tx.today(get_unit(tx, name.enterprise_id, name.business_unit_id).time_zone)
    signed_by = tx.context.actor.to_json()
    changed = replace(_next(tx, before), signature=signature, sign_date=today, signed_by=signed_by)
    store.save(tx.connection, changed)
    return changed


def sign_agreement(tx: Transaction, name: DraftName, signature: str) -> Agreement:
    """Mark a sold agreement as signed, once. Raises NotFound, FailedPrecondition for one that is signed."""
    _check_signature(signature)
    get_agreement(tx, name.enterprise_id, name.business_unit_id, name.id)
    (before,) = sold_agreements.lock(tx.connection, name.enterprise_id, [name.id])
    if before.signature:
        raise FailedPrecondition(
            "ALREADY_SIGNED",
            f"Agreement {before.number} is {sentences.SIGNED[before.signature]} already.",
            metadata={"signature": before.signature},
        )
    signed = replace(before, signature=signature, version=before.version + 1)
    store.save_signature(tx.connection, signed)
    today = tx.today(get_unit(tx, name.enterprise_id, name.business_unit_id).time_zone)
    _record_signature(tx, signed, today)
    tx.publish(signed.changed(today))
    ask_document(tx, signed, today)
    return signed


def begin_sale(tx: Transaction, name: DraftName) -> Draft:
    """Agree on the sale: check everything, fix prices, lines and charges, and keep them until it is done.

    Repeatable. Raises FailedPrecondition with the rule and the field of what forbids it (SPEC AGR-1, AGR-4, AGR-6).
    """
    before = _lock(tx, name)
    if before.state in (rules.FINALIZING, rules.FINALIZED):
        return before
    _check_open(before)
    terms = offers.terms_of(tx, before.enterprise_id, before.business_unit_id, before.content)
    for problem in offers.problems_of(before.content, terms):
        raise problem.error()
    sale = _sale(tx, before, terms)
    begun = replace(
        _next(tx, before),
        state=rules.FINALIZING,
        sale=sale,
        agreement_id=sale.agreement.id,
        sold_by=tx.context.actor.to_json(),
    )
    store.save(tx.connection, begun)
    store.announce_lines(tx.connection, begun.id, sale.agreement)
    return begun


def reopen(tx: Transaction, name: DraftName) -> Draft:
    """Open a draft again whose sale billing has refused."""
    before = _lock(tx, name)
    if before.state != rules.FINALIZING:
        return before
    changed = replace(_next(tx, before), state=rules.DRAFT, sale=None, agreement_id=None, sold_by="")
    store.save(tx.connection, changed)
    return changed


def complete_sale(tx: Transaction, name: DraftName, receipt: Receipt) -> Draft:
    """Make the agreement of a sale that billing has taken: number, status, history, and its document to come."""
    before = _lock(tx, name)
    if before.state == rules.FINALIZED:
        return before
    assert before.sale is not None, "a sale is begun before it is completed"
    own = tx.for_context(replace(tx.context, actor=Actor.from_json(before.sold_by)))
    agreement = _make(own, before, before.sale)
    keys = [ChargeAnswered(charge.key, BILLED, receipt.invoice) for charge in before.sale.charges]
    if keys:
        answer(own, agreement.enterprise_id, before.sale.finalized, keys)
    done = replace(
        _next(tx, before),
        state=rules.FINALIZED,
        agreement_number=agreement.number,
        invoice=receipt.invoice,
        payment=receipt.payment,
    )
    store.save(tx.connection, done)
    ask_document(own, agreement, before.sale.finalized)
    return done


def ask_document(tx: Transaction, agreement: Agreement, day: date) -> None:
    """Have the document of an agreement made after this commit (DESIGN 7)."""
    args = {"business_unit": str(agreement.business_unit_id), "agreement": str(agreement.id)}
    tx.enqueue(DOCUMENT_TASK, key=f"{agreement.id}/{agreement.version}", args=args, business_date=day)


def draft_not_found(draft_id: UUID) -> NotFound:
    """Make the error for a missing draft."""
    return NotFound(
        "DRAFT_NOT_FOUND", f"There is no draft {draft_id} in this business unit.", metadata={"draft_id": str(draft_id)}
    )


def _sale(tx: Transaction, draft: Draft, terms: Terms) -> Sale:
    content, offer, today = draft.content, terms.offer, terms.today
    agreement_id = derived_id(draft.id, "agreement")
    quote = offers.quote_of(draft.id, content, terms)
    lines = tuple(quoted.line for quoted in quote.lines)
    group = terms.buyer.group
    template = get_template(tx, draft.enterprise_id, draft.business_unit_id, offer.application.template_id)
    agreement = Agreement(
        agreement_id,
        draft.enterprise_id,
        draft.business_unit_id,
        "",
        terms.owner.id,
        content.account_id or terms.owner.account_id,
        offer.definition.name,
        offer.definition.agreement_type,
        agreements.status_on(today, content.start_date, lines, frozenset()),
        pricing.term_of(content, offer),
        content.start_date,
        quote.obligation_end_date,
        1,
        tx.now,
        lines,
        definition_id=offer.definition.id,
        group_id=group.id if group else None,
        group_type=group.type if group else INDIVIDUAL,
        classification=offer.classification,
        role=content.role,
        primary_agreement_id=content.primary_agreement_id,
        qualifies_member=offer.definition.owner_qualifies_as_member,
        signature=draft.signature,
        barcode=content.barcode,
        location_id=content.location_id,
    )
    return Sale(
        agreement,
        today,
        tuple(_charge(one) for one in quote.due),
        quote.effects,
        terms.owner.external_id,
        content.sales_advisors,
        content.party_ids,
        content.funding_source_id,
        content.tender,
        content.collect_date or today,
        template.id,
        template.version,
    )


def _charge(one: pricing.DueAtSale) -> SaleCharge:
    charge, line = one.charge, one.line
    return SaleCharge(
        charge.key,
        f"{line.item}, {charge.period_start} to {charge.period_end}",
        line.item,
        line.item_category,
        charge.period_start,
        charge.period_end,
        charge.amount,
        charge.tax,
    )


def _make(tx: Transaction, draft: Draft, sale: Sale) -> Agreement:
    """Write the agreement and tell everybody; the owner's row is locked, so that numbers stay apart."""
    plan, day = sale.agreement, sale.finalized
    (owner,) = members.lock_members(tx.connection, plan.enterprise_id, [plan.member_id])
    number = free_number(tx, plan.enterprise_id, owner.external_id)
    agreement = replace(plan, number=number, create_time=tx.now)
    sold_agreements.add(tx.connection, agreement)
    store.add_parties(tx.connection, agreement, sale.party_ids)
    tx.publish(agreement.changed(day))
    actor = tx.context.actor
    summary = sentences.new_agreement(
        number, agreement.display_name, day, agreement.start_date, sale.sales_advisors, actor
    )
    record(tx, _change(agreement, day, sentences.NEW_AGREEMENT, summary, sentences.promotion_notes(sale.effects)))
    if draft.signature and draft.sign_date:
        signer = tx.for_context(replace(tx.context, actor=Actor.from_json(draft.signed_by)))
        _record_signature(signer, agreement, draft.sign_date)
    text = f"{title(agreement)} was sold; {sale.total} was due at sale, and it begins on {agreement.start_date}."
    tell(tx, [entry(tx, agreement, day, text)])
    return agreement


def _record_signature(tx: Transaction, agreement: Agreement, day: date) -> None:
    summary = sentences.signature(agreement.number, agreement.display_name, agreement.signature, day, tx.context.actor)
    record(tx, _change(agreement, day, sentences.SIGNATURE_TYPE, summary))


def _change(agreement: Agreement, day: date, kind: str, summary: str, notable: tuple[str, ...] = ()) -> Change:
    return Change(agreement.enterprise_id, agreement.business_unit_id, agreement.id, day, kind, summary, notable)


def _check(tx: Transaction, draft: Draft) -> None:
    """Refuse a draft of what doesn't exist; what forbids its sale is told by the quote."""
    terms = offers.terms_of(tx, draft.enterprise_id, draft.business_unit_id, draft.content)
    offers.quote_of(draft.id, draft.content, terms)


def _check_signature(signature: str) -> None:
    if signature not in SIGNATURES:
        raise InvalidArgument.field("signature", f"{signature[:40]!r} is not one; use {' or '.join(SIGNATURES)}.")


def _lock(tx: Transaction, name: DraftName) -> Draft:
    found = store.lock(tx.connection, name.enterprise_id, name.business_unit_id, name.id)
    if found is None:
        raise draft_not_found(name.id)
    return found


def _lock_open(tx: Transaction, name: DraftName) -> Draft:
    found = _lock(tx, name)
    _check_open(found)
    return found


def _check_open(draft: Draft) -> None:
    if draft.state != rules.DRAFT:
        raise FailedPrecondition(
            "DRAFT_CLOSED",
            f"The draft is {draft.state.lower()}; only an open one can change. Begin another draft.",
            metadata={"state": draft.state, "field": "name"},
        )


def _next(tx: Transaction, draft: Draft) -> Draft:
    return replace(draft, version=draft.version + 1, update_time=tx.now)
