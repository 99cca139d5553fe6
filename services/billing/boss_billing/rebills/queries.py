"""Read the schedule in force at a level, and why an invoice is tried again when it is (SPEC BIL-5)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.queries import get_invoice
from boss_billing.invoices.rules import Invoice
from boss_billing.payments.rules import IN_FLIGHT, State
from boss_billing.payments.store import payment
from boss_billing.rebills import store
from boss_billing.rebills.commands import LevelAndTender, any_unit
from boss_billing.rebills.rules import Effective, effective
from boss_billing.runs.rules import ScopeKind
from boss_billing.units import store as units
from boss_kit.unit_of_work import Transaction

NO_UNIT = UUID(int=0)


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
    """Tell the day of an invoice's next attempt and why, in a sentence. Raises NotFound."""
    invoice = get_invoice(tx, ref, invoice_id).invoice
    query = sa.select(payment).where(
        payment.c.enterprise_id == ref.enterprise_id,
        payment.c.account_id == ref.id,
        payment.c.invoice_id == invoice_id,
        payment.c.funding_source_id.is_not(None),
    )
    rows = tx.connection.execute(query.order_by(payment.c.payment_date.desc(), payment.c.id.desc())).all()
    return invoice.next_attempt_date if invoice.balance_minor else None, why(invoice, rows)


def why(invoice: Invoice, payments: Sequence["sa.Row[Any]"]) -> str:
    """Say why an invoice is tried again on its day, or isn't; `payments` are its own, the newest first."""
    if invoice.balance_minor == 0:
        return "It is paid."
    flying = next((row for row in payments if row.state in IN_FLIGHT), None)
    if flying is not None:
        return f"The attempt of {flying.payment_date} has no final result; nothing is planned before."
    said = next((row for row in payments if row.next_attempt_reason), None)
    if said is not None and said.next_attempt_date == invoice.next_attempt_date:
        return str(said.next_attempt_reason)
    return _why_without_a_decline(invoice.next_attempt_date, payments)


def _why_without_a_decline(day: date | None, payments: Sequence["sa.Row[Any]"]) -> str:
    if day is None:
        return "Nothing is collected automatically: the account pays by statement, or no source may be charged."
    if not payments:
        return f"It is collected for the first time by the run of {day}."
    if payments[0].state == State.NOT_ATTEMPTED:
        return f"The attempt of {payments[0].payment_date} was never made; the run of {day} makes it."
    return f"The run of {day} tries it: the source was renewed, or the card network allowed nothing earlier."
