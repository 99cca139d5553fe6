"""Open a planner with what it must know of attempts and payments so far (SPEC BIL-5)."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import Account
from boss_billing.declines import store as declines
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.funding.rules import FundingSource
from boss_billing.invoices.rules import Invoice
from boss_billing.payments import store
from boss_billing.payments.planning import Planner
from boss_kit.days import business_date
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class RunDay:
    """The day a run bills, and by unit the later one on which its attempts are made where a missed day is caught up."""

    enterprise_id: UUID
    run_id: UUID
    bill_date: date
    late_days: Mapping[UUID, date] = field(default_factory=dict)


def run_day(
    tx: Transaction, enterprise_id: UUID, run_id: UUID, bill_date: date, accounts: Mapping[UUID, Account]
) -> RunDay:
    """Tell on which days a run asks for the money of these accounts."""
    days = {zone: business_date(tx.now, zone) for zone in {one.time_zone for one in accounts.values()}}
    late = {zone: day for zone, day in days.items() if day > bill_date}
    if not late:
        return RunDay(enterprise_id, run_id, bill_date)
    of_units = {one.ref.business_unit_id: late[one.time_zone] for one in accounts.values() if one.time_zone in late}
    return RunDay(enterprise_id, run_id, bill_date, of_units)


def open_planner(
    connection: sa.Connection,
    of: RunDay,
    sources: Sequence[FundingSource],
    to_pay: Mapping[UUID, int],
    older: Mapping[UUID, Invoice] | None = None,
    *,
    only_looks: bool = False,
) -> Planner:
    """Read the limits and the attempts they count, for a page of sources and of older invoices.

    `to_pay` says how many invoices of each account the page may hold at most. Who `only_looks` keeps nobody waiting.
    """
    enterprise_id = of.enterprise_id
    limits = declines.attempt_limits(connection, enterprise_id)
    per_card = [limit for limit in limits if limit.per is Per.SOURCE]
    tenders = {limit.tender for limit in per_card}
    asked: Counter[str] = Counter()
    for source in sources:
        if source.tender in tenders:
            asked[source.token] += to_pay.get(source.account.id, 1)
    card_days = days_of_cards(connection, enterprise_id, per_card, asked, of.bill_date, only_looks=only_looks)
    account_ids = list(to_pay)
    invoice_days = store.attempts_of_invoices(connection, enterprise_id, account_ids, list(older or ()))
    shared = _shared(sources, older) if older else ()
    paid = store.paid_by_sources(connection, enterprise_id, account_ids, shared)
    given_up = store.given_up(connection, enterprise_id, account_ids, shared)
    return Planner(of.run_id, of.bill_date, limits, new_id, card_days, invoice_days, paid, of.late_days, given_up)


def _shared(sources: Sequence[FundingSource], older: Mapping[UUID, Invoice]) -> Sequence[UUID]:
    """Name the invoices that several sources pay."""
    counts = Counter(source.account.id for source in sources)
    return [one for one, invoice in older.items() if counts[invoice.account.id] > 1]


def days_of_cards(
    connection: sa.Connection,
    enterprise_id: UUID,
    per_card: Collection[AttemptLimit],
    asked: Mapping[str, int],
    day: date,
    *,
    only_looks: bool = False,
) -> Mapping[str, list[date]]:
    """Read the days on which cards were tried, by token, of those that may come to a limit when asked so many times.

    A card that several sources share may be planned for by somebody else at this moment; that one is waited for.
    """
    if not per_card or not asked:
        return {}
    since = day - timedelta(days=max(limit.window_days for limit in per_card))
    least = max(1, min(limit.attempts_max for limit in per_card) - max(asked.values()) + 1)
    found = store.tried_cards(connection, enterprise_id, asked, since, least)
    shared = [token for token, card in found.items() if card.is_shared]
    if shared and not only_looks:
        store.lock_cards(connection, enterprise_id, shared)
        found = {**found, **store.tried_cards(connection, enterprise_id, shared, since, least)}
    return {token: card.days for token, card in found.items()}
