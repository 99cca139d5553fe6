"""Read the schedule in force at a level, and why an invoice is tried again when it is (SPEC BIL-5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.funding import store as funding
from boss_billing.funding.rules import MANUAL, FundingSource
from boss_billing.invoices.queries import get_invoice
from boss_billing.invoices.rules import Invoice
from boss_billing.payments.planners import RunDay, open_planner
from boss_billing.payments.planning import ATTEMPT_LIMIT
from boss_billing.payments.rules import IN_FLIGHT, State
from boss_billing.payments.store import payment
from boss_billing.rebills import store
from boss_billing.rebills.commands import LevelAndTender, any_unit
from boss_billing.rebills.rules import Effective, effective
from boss_billing.runs.rules import ScopeKind
from boss_billing.runs.store import why_held
from boss_billing.units import store as units
from boss_kit.unit_of_work import Transaction

NO_UNIT = UUID(int=0)
NO_RUN = UUID(int=0)


def get_schedule(tx: Transaction, of: LevelAndTender) -> Effective:
    """Read the schedule in force and the level it comes from. Raises NotFound without a unit there."""
    level = of.level
    unit = units.units_of(tx.connection, level.enterprise_id)[any_unit(tx, level)]
    if level.kind is not ScopeKind.UNIT:
        # What a level says itself, not what one of its units does.
        division_id = level.id if level.kind is ScopeKind.DIVISION else None
        unit = replace(unit, id=NO_UNIT, division_id=division_id, has_settings=False)
    return effective(unit, store.schedules_of(tx.connection, level.enterprise_id), of.tender)


def explain(tx: Transaction, ref: AccountRef, invoice_id: UUID) -> tuple[date | None, str]:
    """Tell the day of an invoice's next attempt and why, in a sentence or two. Raises NotFound."""
    return explain_invoice(tx, get_invoice(tx, ref, invoice_id).invoice)


def explain_invoice(tx: Transaction, invoice: Invoice) -> tuple[date | None, str]:
    """Tell the day of an invoice's next attempt and why, in a sentence or two."""
    ref = invoice.account
    query = sa.select(payment).where(
        payment.c.enterprise_id == ref.enterprise_id,
        payment.c.account_id == ref.id,
        payment.c.invoice_id == invoice.id,
        payment.c.funding_source_id.is_not(None),
    )
    rows = tx.connection.execute(query.order_by(payment.c.payment_date.desc(), payment.c.id.desc())).all()
    day = invoice.next_attempt_date if invoice.balance_minor else None
    sources = funding.recurring_sources(tx.connection, ref.enterprise_id, [ref.id]).get(ref.id, [])
    limit = _limit_before(tx, invoice, sources, day) if day is not None else ""
    held = _held(tx, invoice, day) if day is not None else ""
    return day, " ".join(one for one in (why(invoice, rows, sources, limit), held) if one)


def why(
    invoice: Invoice, payments: Sequence["sa.Row[Any]"], sources: Sequence[FundingSource] = (), limit: str = ""
) -> str:
    """Say why an invoice is tried again on its day, or isn't.

    `payments` are its own, the newest first, `sources` what its account pays with; `limit` says which day a network
    allowed nothing before.
    """
    if invoice.balance_minor == 0:
        return "It is paid."
    flying = next((row for row in payments if row.state in IN_FLIGHT), None)
    if flying is not None:
        return f"The attempt of {flying.payment_date} has no final result; nothing is planned before."
    said = next((row for row in payments if row.next_attempt_reason), None)
    if said is not None and said.next_attempt_date == invoice.next_attempt_date:
        return str(said.next_attempt_reason)
    if invoice.next_attempt_date is None and payments and payments[0].state == State.APPROVED:
        return "It was paid and taken back; what a cardholder disputes isn't collected automatically."
    if invoice.next_attempt_date is None:
        return _why_nobody_is_asked(sources)
    return _why_without_a_decline(invoice.next_attempt_date, payments, limit)


def _why_nobody_is_asked(sources: Sequence[FundingSource]) -> str:
    if any(one.tender == MANUAL for one in sources):
        return "Nothing is collected automatically: the account pays by statement."
    if any(not one.is_valid for one in sources):
        return "Nothing is collected automatically: the source may not be charged any more; renew it."
    if not sources:
        return "Nothing is collected automatically: the account has no source that is used for recurring payments."
    return "Nothing is collected automatically: no attempt is planned."


def _why_without_a_decline(day: date, payments: Sequence["sa.Row[Any]"], limit: str) -> str:
    if limit:
        return f"{limit} The run of {day} tries it."
    if not payments:
        return f"It is collected for the first time by the run of {day}."
    if payments[0].state == State.NOT_ATTEMPTED:
        return f"The attempt of {payments[0].payment_date} was never made; the run of {day} makes it."
    return f"The run of {day} tries it: what it is paid from was added or renewed."


def _limit_before(tx: Transaction, invoice: Invoice, sources: Sequence[FundingSource], day: date) -> str:
    """Say so where a network's limit is why an invoice isn't tried on the day before."""
    ref, before = invoice.account, day - timedelta(days=1)
    of = RunDay(ref.enterprise_id, NO_RUN, before)
    planner = open_planner(tx.connection, of, sources, {ref.id: 1}, {invoice.id: invoice}, only_looks=True)
    _, _, not_paid = planner.plan("", invoice, sources)
    return not_paid.description if not_paid is not None and not_paid.reason == ATTEMPT_LIMIT else ""


def _held(tx: Transaction, invoice: Invoice, day: date) -> str:
    unit = units.find_unit(tx.connection, invoice.account.enterprise_id, invoice.account.business_unit_id)
    today = tx.today(unit.time_zone) if unit is not None else day
    return why_held(tx.connection, invoice.account.enterprise_id, invoice.id, max(day, today))
