"""Read batches with their results, and beside their deposits (SPEC BIL-9)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from boss_billing.deposits.rules import NO_UNIT
from boss_billing.reconciliation import store
from boss_billing.reconciliation.matching import DepositLine, Reconciled, Window, explain, reconcile, unknown
from boss_billing.reconciliation.rules import Batch, BatchFact, make_batches
from boss_billing.reports import store as rollups
from boss_billing.reports.queries import unit_names, within
from boss_billing.reports.rules import Figure, ReportFilter
from boss_billing.units import store as units
from boss_billing.units.queries import check_unit
from boss_kit.database import allow_memory
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

Item = TypeVar("Item", Batch, Reconciled)

_ROLLED_UP = f"""
    SELECT {rollups.BATCH_COLUMNS} FROM report_batch
    WHERE enterprise_id = :enterprise_id AND bill_date BETWEEN :first AND :last
"""

_FACTS = """
    SELECT business_unit_id, number, bill_date, label, tender, state, currency,
           CAST(sum(payments) AS bigint) AS payments, CAST(sum(amount_minor) AS bigint) AS amount_minor,
           CAST(sum(errors) AS bigint) AS errors, CAST(sum(open) AS bigint) AS open,
           CAST(sum(open_minor) AS bigint) AS open_minor, min(first_date) AS first_date, max(last_date) AS last_date
    FROM ({facts}) AS facts
    WHERE bill_date BETWEEN :first AND :last
      AND (CAST(:number AS bigint) = 0 OR number = CAST(:number AS bigint))
      AND (CAST(:unit_ids AS uuid[]) = '{{}}' OR business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
      AND (CAST(:tenders AS text[]) = '{{}}' OR tender = ANY(CAST(:tenders AS text[])))
    GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

_TRANSACTIONS = sa.text(
    """
    SELECT attempt.*, batch.number, payment.state AS payment_state
    FROM batch
    JOIN attempt ON attempt.enterprise_id = batch.enterprise_id AND attempt.batch_id = batch.id
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
    WHERE batch.enterprise_id = :enterprise_id AND batch.number = :number
      AND (CAST(:unit_ids AS uuid[]) = '{}' OR batch.business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
      AND (:label = '' OR batch.label = :label) AND (:tender = '' OR attempt.tender = :tender)
      AND (CAST(:states AS text[]) = '{}' OR attempt.state = ANY(CAST(:states AS text[])))
      AND (CAST(:after_label AS text) IS NULL
           OR (attempt.label, attempt.account_number, attempt.id)
              > (CAST(:after_label AS text), CAST(:after_account AS text), CAST(:after_id AS uuid)))
    ORDER BY attempt.label, attempt.account_number, attempt.id
    LIMIT :limit
    """
)


@dataclass(frozen=True)
class BatchFilter:
    """Which transactions of a batch."""

    enterprise_id: UUID
    unit_ids: Sequence[UUID]
    number: int
    label: str
    tender: str
    states: Sequence[str]


def list_batches(tx: Transaction, wanted: ReportFilter) -> list[Batch]:
    """Read the batches of bill dates, by the name of their unit and by number.

    Raises as `within` does, and NotFound for a number no batch has.
    """
    wanted = within(tx, wanted)
    if wanted.batch_number:
        _require_batch(tx, wanted.enterprise_id, wanted.batch_number)
    marked = rollups.marked_batches(tx.connection, wanted.enterprise_id)
    facts = _ROLLED_UP
    if marked.batch_ids:
        allow_memory(tx.connection)
        live = f"SELECT {rollups.BATCH_COLUMNS} FROM ({rollups.LIVE_BATCHES}) AS live"
        facts = f"{_ROLLED_UP} AND batch_id <> ALL(CAST(:batch_ids AS uuid[])) UNION ALL {live}"
    parameters = {
        **marked.parameters,
        "first": wanted.first,
        "last": wanted.last,
        "unit_ids": list(wanted.unit_ids),
        "tenders": list(wanted.tenders),
        "number": wanted.batch_number,
    }
    rows = tx.connection.execute(sa.text(_FACTS.format(facts=facts)), parameters)
    names = unit_names(tx, wanted.enterprise_id)
    batches = make_batches(_fact(row) for row in rows)
    return sorted(batches, key=lambda batch: (names(batch.business_unit_id), batch.number))


def reconciliation(tx: Transaction, wanted: ReportFilter, *, only_differences: bool = False) -> list[Reconciled]:
    """Put batches beside their deposits, and name every difference; what nobody knows the batch of comes last.

    All of them, or only those that differ.
    """
    wanted = within(tx, wanted)
    batches = list_batches(tx, wanted)
    numbers = [batch.number for batch in batches]
    lines = [
        line
        for line in store.deposits_of(tx.connection, wanted.enterprise_id, numbers)
        if not wanted.tenders or line.tender in wanted.tenders
    ]
    by_payment = {line.batch_number for line in lines if line.is_by_payment}
    faults = store.faults_of(tx.connection, wanted.enterprise_id, by_payment)
    deposits, wrong = _by_number(lines), _by_number(faults)
    windows = store.windows_of(tx.connection, wanted.enterprise_id)
    days = _business_dates(tx, wanted.enterprise_id)
    found = [
        reconcile(
            batch,
            deposits.get(batch.number, []),
            wrong.get(batch.number, []),
            windows,
            days.get(batch.business_unit_id, wanted.last),
        )
        for batch in batches
    ]
    found += _unknown(tx, wanted)
    return [one for one in found if one.differences] if only_differences else found


def explain_all(tx: Transaction, enterprise_id: UUID, found: Sequence[Reconciled]) -> list[Reconciled]:
    """Add the transactions that explain the differences."""
    wanted = sorted({(one.number, difference.tender) for one in found for difference in one.differences})
    attempts = store.attempts_of(tx.connection, enterprise_id, wanted)
    return [
        replace(one, differences=[explain(each, attempts.get(one.number, [])) for each in one.differences])
        for one in found
    ]


def list_transactions(tx: Transaction, wanted: BatchFilter, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of the transactions of a batch, Original before Retry, by account; and the next page's token.

    Raises NotFound for a unit or a batch there isn't.
    """
    for unit_id in wanted.unit_ids:
        check_unit(tx, wanted.enterprise_id, unit_id)
    _require_batch(tx, wanted.enterprise_id, wanted.number)
    after = page.after or (None, None, None)
    parameters = {
        "enterprise_id": wanted.enterprise_id,
        "unit_ids": list(wanted.unit_ids),
        "number": wanted.number,
        "label": wanted.label,
        "tender": wanted.tender,
        "states": list(wanted.states),
        "after_label": after[0],
        "after_account": after[1],
        "after_id": after[2],
        "limit": page.limit,
    }
    rows = tx.connection.execute(_TRANSACTIONS, parameters).all()
    return page.cut(rows, lambda row: (row.label, row.account_number, row.id))


def list_windows(tx: Transaction, enterprise_id: UUID) -> Mapping[str, Window]:
    """Read in which days money is awaited, by tender."""
    return store.windows_of(tx.connection, enterprise_id)


def cut(found: Sequence[Item], page: Page, unit_names: Callable[[UUID], str]) -> tuple[Sequence[Item], str]:
    """Cut a page of batches, and the next page's token."""

    def place(one: Item) -> tuple[bool, str, int]:
        known = isinstance(one, Batch) or one.batch is not None
        return not known, unit_names(one.business_unit_id) if one.business_unit_id else "", one.number

    after = page.key(bool, str, int)
    rest = [one for one in found if after is None or place(one) > after]
    return page.cut(rest[: page.limit], place)


def _require_batch(tx: Transaction, enterprise_id: UUID, number: int) -> None:
    if not store.knows_batch(tx.connection, enterprise_id, number):
        raise NotFound(
            "BATCH_NOT_FOUND",
            f"There is no batch {number} in this enterprise, and no deposit for one; ask for its bill date.",
            metadata={"batch_number": str(number)},
        )


def _unknown(tx: Transaction, wanted: ReportFilter) -> list[Reconciled]:
    days = (wanted.first, wanted.last)
    lines = [
        line
        for line in store.unknown_deposits(tx.connection, wanted.enterprise_id, wanted.unit_ids, *days)
        if (not wanted.tenders or line.tender in wanted.tenders) and wanted.batch_number in (0, line.batch_number)
    ]
    by_batch: dict[tuple[int, UUID, str], list[DepositLine]] = {}
    for line in lines:
        by_batch.setdefault((line.batch_number, line.business_unit_id, line.currency), []).append(line)
    names = unit_names(tx, wanted.enterprise_id)
    order = sorted(by_batch, key=lambda key: ("" if key[1] == NO_UNIT else names(key[1]), key[0]))
    return [unknown(key[0], None if key[1] == NO_UNIT else key[1], by_batch[key]) for key in order]


def _business_dates(tx: Transaction, enterprise_id: UUID) -> Mapping[UUID, date]:
    return {unit.id: tx.today(unit.time_zone) for unit in units.units_of(tx.connection, enterprise_id).values()}


def _by_number(rows: Iterable[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.batch_number, []).append(row)
    return found


def _fact(row: "sa.Row[Any]") -> BatchFact:
    where = (row.business_unit_id, row.number, row.bill_date, row.label, row.tender, row.state, row.currency)
    figures = (Figure(row.payments, row.amount_minor), row.errors, Figure(row.open, row.open_minor))
    return BatchFact(*where, *figures, row.first_date, row.last_date)
