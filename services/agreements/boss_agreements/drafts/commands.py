"""Write, sign and sell drafts (SPEC AGR-4). A sale is two transactions with billing between them (`process.py`)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as sold_agreements
from boss_agreements.agreements.queries import get_agreement
from boss_agreements.agreements.store import Agreement
from boss_agreements.drafts import offers, rules, store
from boss_agreements.drafts.rules import Content
from boss_agreements.drafts.store import Draft
from boss_agreements.history import rules as sentences
from boss_agreements.history.commands import Change, record
from boss_agreements.locations.queries import check_location
from boss_agreements.organization.queries import get_unit
from boss_kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

DOCUMENT_TASK = "agreement-document"
SIGNATURES = tuple(sentences.SIGNED)


@dataclass(frozen=True)
class DraftName:
    """A draft, by the ids of its name."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID


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
    changed = replace(next_of(tx, before), content=content, owner_id=content.owner_id)
    if content != before.content:
        changed = replace(changed, signature="", sign_date=None, signed_by="")
    _check(tx, changed)
    store.save(tx.connection, changed)
    return changed


def discard_draft(tx: Transaction, name: DraftName) -> Draft:
    """Throw a draft away. Raises FailedPrecondition when it is sold."""
    changed = replace(next_of(tx, _lock_open(tx, name)), state=rules.DISCARDED)
    store.save(tx.connection, changed)
    return changed


def sign_draft(tx: Transaction, name: DraftName, signature: str) -> Draft:
    """Note that a draft is signed, electronically or on paper. Raises FailedPrecondition, InvalidArgument."""
    _check_signature(signature)
    before = _lock_open(tx, name)
    today = tx.today(get_unit(tx, name.enterprise_id, name.business_unit_id).time_zone)
    signed_by = tx.context.actor.to_json()
    changed = replace(next_of(tx, before), signature=signature, sign_date=today, signed_by=signed_by)
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
    record_signature(tx, signed, today)
    tx.publish(signed.changed(today))
    ask_document(tx, signed, today)
    return signed


def ask_document(tx: Transaction, agreement: Agreement, day: date) -> None:
    """Have the document of an agreement made after this commit (DESIGN 7)."""
    args = {"business_unit": str(agreement.business_unit_id), "agreement": str(agreement.id)}
    tx.enqueue(DOCUMENT_TASK, key=f"{agreement.id}/{agreement.version}", args=args, business_date=day)


def draft_not_found(draft_id: UUID) -> NotFound:
    """Make the error for a missing draft."""
    return NotFound(
        "DRAFT_NOT_FOUND", f"There is no draft {draft_id} in this business unit.", metadata={"draft_id": str(draft_id)}
    )


def record_signature(tx: Transaction, agreement: Agreement, day: date) -> None:
    """Keep in the history how an agreement was signed, in the name of who is acting."""
    summary = sentences.signature(agreement.number, agreement.display_name, agreement.signature, day, tx.context.actor)
    record(tx, change_of(agreement, day, sentences.SIGNATURE_TYPE, summary))


def change_of(agreement: Agreement, day: date, kind: str, summary: str, notable: tuple[str, ...] = ()) -> Change:
    """Make a record of an agreement's history."""
    return Change(agreement.enterprise_id, agreement.business_unit_id, agreement.id, day, kind, summary, notable)


def _check(tx: Transaction, draft: Draft) -> None:
    """Refuse a draft of what doesn't exist; what forbids its sale is told by the quote."""
    if draft.content.location_id is not None:
        where = draft.enterprise_id, draft.business_unit_id
        check_location(tx, *where, draft.content.location_id, "draft.location")
    terms = offers.terms_of(tx, draft.enterprise_id, draft.business_unit_id, draft.content)
    offers.quote_of(draft.id, draft.content, terms)


def _check_signature(signature: str) -> None:
    if signature not in SIGNATURES:
        raise InvalidArgument.field("signature", f"{signature[:40]!r} is not one; use {' or '.join(SIGNATURES)}.")


def lock(tx: Transaction, name: DraftName) -> Draft:
    """Read a draft and keep others from changing it. Raises NotFound."""
    found = store.lock(tx.connection, name.enterprise_id, name.business_unit_id, name.id)
    if found is None:
        raise draft_not_found(name.id)
    return found


def _lock_open(tx: Transaction, name: DraftName) -> Draft:
    found = lock(tx, name)
    check_open(found)
    return found


def check_open(draft: Draft) -> None:
    """Refuse to change a draft that is sold or discarded. Raises FailedPrecondition."""
    if draft.state != rules.DRAFT:
        raise FailedPrecondition(
            "DRAFT_CLOSED",
            f"The draft is {draft.state.lower()}; only an open one can change. Begin another draft.",
            metadata={"state": draft.state, "field": "name"},
        )


def next_of(tx: Transaction, draft: Draft) -> Draft:
    """Give a draft its next version."""
    return replace(draft, version=draft.version + 1, update_time=tx.now)
