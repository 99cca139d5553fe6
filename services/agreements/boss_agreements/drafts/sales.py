"""Sell drafts (SPEC AGR-4): agreed in one transaction, taken by billing, made in another (`process.py`)."""

from dataclasses import dataclass, replace

from boss_agreements.agreements import rules as agreements
from boss_agreements.agreements import store as sold_agreements
from boss_agreements.agreements.commands import entry, free_number, title
from boss_agreements.agreements.store import Agreement
from boss_agreements.drafts import offers, pricing, rules, store
from boss_agreements.drafts.commands import (
    DraftName,
    ask_document,
    change_of,
    check_open,
    lock,
    next_of,
    record_signature,
)
from boss_agreements.drafts.offers import Terms
from boss_agreements.drafts.rules import SaleCharge
from boss_agreements.drafts.store import Draft, Sale
from boss_agreements.due_charges.commands import BILLED, ChargeAnswered, answer
from boss_agreements.groups.rules import INDIVIDUAL
from boss_agreements.history import rules as sentences
from boss_agreements.history.commands import record
from boss_agreements.templates.queries import get_template
from boss_agreements.timeline.store import tell
from boss_kit.context import Actor
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Receipt:
    """What billing made of what is due at sale."""

    invoice: str = ""
    payment: str = ""


def begin_sale(tx: Transaction, name: DraftName) -> Draft:
    """Agree on the sale: check everything, fix prices, lines and charges, and keep them until it is done.

    Repeatable. Raises FailedPrecondition with the rule and the field of what forbids it (SPEC AGR-1, AGR-4, AGR-6).
    """
    before = lock(tx, name)
    if before.state in (rules.FINALIZING, rules.FINALIZED):
        return before
    check_open(before)
    terms = offers.terms_of(tx, before.enterprise_id, before.business_unit_id, before.content)
    for problem in offers.problems_of(before.content, terms):
        raise problem.error()
    sale = _sale(tx, before, terms)
    begun = replace(
        next_of(tx, before),
        state=rules.FINALIZING,
        sale=sale,
        agreement_id=sale.agreement.id,
        sold_by=tx.context.actor.to_json(),
    )
    store.save(tx.connection, begun)
    store.announce_lines(tx.connection, begun.id, sale.agreement)
    return begun


def complete_sale(tx: Transaction, name: DraftName, receipt: Receipt) -> Draft:
    """Make the agreement of a sale that billing has taken: number, status, history, and its document to come."""
    before = lock(tx, name)
    if before.state == rules.FINALIZED:
        return before
    assert before.sale is not None, "a sale is begun before it is completed"
    own = tx.for_context(replace(tx.context, actor=Actor.from_json(before.sold_by)))
    agreement = _make(own, before, before.sale)
    keys = [ChargeAnswered(charge.key, BILLED, receipt.invoice) for charge in before.sale.charges]
    if keys:
        answer(own, agreement.enterprise_id, before.sale.finalized, keys)
    done = replace(
        next_of(tx, before),
        state=rules.FINALIZED,
        agreement_number=agreement.number,
        invoice=receipt.invoice,
        payment=receipt.payment,
    )
    store.save_sold(tx.connection, done)
    ask_document(own, agreement, before.sale.finalized)
    return done


def reopen(tx: Transaction, name: DraftName) -> Draft:
    """Open a draft again whose sale billing has refused."""
    before = lock(tx, name)
    if before.state != rules.FINALIZING:
        return before
    changed = replace(next_of(tx, before), state=rules.DRAFT, sale=None, agreement_id=None, sold_by="")
    store.save(tx.connection, changed)
    return changed


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
    store.lock_owner(tx.connection, plan.enterprise_id, plan.member_id)
    number = free_number(tx, plan.enterprise_id, sale.account_number)
    agreement = replace(plan, number=number, create_time=tx.now)
    sold_agreements.add(tx.connection, agreement)
    store.add_parties(tx.connection, agreement, sale.party_ids)
    tx.publish(agreement.changed(day))
    actor = tx.context.actor
    summary = sentences.new_agreement(
        number, agreement.display_name, day, agreement.start_date, sale.sales_advisors, actor
    )
    record(tx, change_of(agreement, day, sentences.NEW_AGREEMENT, summary, sentences.promotion_notes(sale.effects)))
    if draft.signature and draft.sign_date:
        signer = tx.for_context(replace(tx.context, actor=Actor.from_json(draft.signed_by)))
        record_signature(signer, agreement, draft.sign_date)
    text = f"{title(agreement)} was sold; {sale.total} was due at sale, and it begins on {agreement.start_date}."
    tell(tx, [entry(tx, agreement, day, text)])
    return agreement
