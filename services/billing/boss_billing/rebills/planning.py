"""Plan the next attempts of a page of declines with what the store knows of them (SPEC BIL-5, BIL-6)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

from boss_billing.declines import store as declines
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.funding import store as funding
from boss_billing.payments import store as payments
from boss_billing.payments.planning import TriedCard
from boss_billing.rebills import store
from boss_billing.rebills.rules import Declined, PlannedAttempt, effective, plan_attempt
from boss_billing.units.rules import Unit
from boss_kit.unit_of_work import Transaction

HISTORY_DAYS = 365
HISTORY_PAYMENTS = 12


def plan_attempts(
    tx: Transaction, units: Mapping[UUID, Unit], page: Sequence[Declined]
) -> Mapping[UUID, PlannedAttempt]:
    """Plan the next attempt after each decline, by payment."""
    if not page:
        return {}
    connection, enterprise_id = tx.connection, tx.enterprise_id
    kept = store.schedules_of(connection, enterprise_id)
    of = {one.payment_id: effective(units[one.unit_id], kept, one.tender) for one in page}
    # What was before matters only to those that are tried again, and which days went well only to a smart schedule.
    again = [one for one in page if one.code.rebill]
    smart = {one.source_id for one in again if of[one.payment_id].schedule.is_smart}
    limits = declines.attempt_limits(connection, enterprise_id) if again else ()
    since = min(one.day for one in page) - timedelta(days=HISTORY_DAYS)
    paid_days = store.paid_days(connection, enterprise_id, smart, since, HISTORY_PAYMENTS)
    sources = funding.find(connection, enterprise_id, {one.source_id for one in again})
    tokens = {one.id: one.token for one in sources.values()}
    tried = payments.tried_cards(connection, enterprise_id, set(tokens.values()), since, 1)
    account_ids, invoice_ids = {one.account_id for one in again}, {one.invoice_id for one in again}
    of_invoices = payments.attempts_of_invoices(connection, enterprise_id, account_ids, invoice_ids)
    return {
        one.payment_id: plan_attempt(
            one,
            of[one.payment_id],
            paid_days.get(one.source_id, ()),
            (
                (_of(limits, one.tender, Per.SOURCE), _days(tried, tokens.get(one.source_id, ""))),
                (
                    _of(limits, one.tender, Per.INVOICE),
                    of_invoices.get((one.invoice_id, tokens.get(one.source_id, "")), ()),
                ),
            ),
        )
        for one in page
    }


def _days(tried: Mapping[str, TriedCard], token: str) -> Sequence[date]:
    return tried[token].days if token in tried else ()


def _of(limits: Sequence[AttemptLimit], tender: str, per: Per) -> list[AttemptLimit]:
    return [limit for limit in limits if (limit.tender, limit.per) == (tender, per)]
