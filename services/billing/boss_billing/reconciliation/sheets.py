"""Batches, and batches beside their deposits, as tables. Pure."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from boss_billing.payments.rules import Label
from boss_billing.reconciliation.matching import Difference, Reconciled, add_up
from boss_billing.reconciliation.rules import Attempts, Batch, total
from boss_billing.reports.rules import Figure
from boss_billing.reports.sheets import (
    CURRENCY,
    NOTE,
    UNIT,
    Cell,
    Column,
    ColumnKind,
    Rank,
    Row,
    Sheet,
    cells_of,
    money,
    note,
)

NOTHING = "There is no batch of these."
UnitNames = Callable[[UUID], str]

_BATCH_COLUMNS = (
    UNIT,
    Column("Batch", ColumnKind.NUMBER),
    Column("Bill date", ColumnKind.DATE),
    Column("Label"),
    Column("Tender"),
    *(
        column
        for title in ("Submitted", "Approved", "Declined", "Not attempted", "Not final")
        for column in (Column(f"{title} #", ColumnKind.COUNT), Column(title, ColumnKind.MONEY))
    ),
    Column("Processing errors", ColumnKind.COUNT),
    CURRENCY,
    NOTE,
)

_MONEY_COLUMNS = (
    "Original submitted",
    "Original approved",
    "Original declined",
    "Original without result",
    "Retry submitted",
    "Retry approved",
    "Expected",
    "Deposited",
    "Fee",
    "Awaited",
    "Difference",
)
_RECONCILIATION_COLUMNS = (
    UNIT,
    Column("Batch", ColumnKind.NUMBER),
    Column("Bill date", ColumnKind.DATE),
    Column("What"),
    *(Column(title, ColumnKind.MONEY) for title in _MONEY_COLUMNS),
    Column("Tender"),
    Column("Label"),
    Column("Deposit date", ColumnKind.DATE),
    Column("Statement"),
    Column("Account"),
    Column("In words"),
    CURRENCY,
    NOTE,
)
_NO_AMOUNTS: tuple[Cell, ...] = (None,) * len(_MONEY_COLUMNS)


def batches_sheet(batches: Sequence[Batch], of: Sequence[str], unit_names: UnitNames) -> Sheet:
    """Lay out Billing Payment Batches, in detail."""
    rows = [row for batch in batches for row in _batch_rows(batch, unit_names(batch.business_unit_id))]
    for one in total(batches):
        figures = (one.submitted, one.approved, one.declined, one.not_attempted, one.not_final)
        place: tuple[Cell, ...] = ("Grand total", _counted(one.batches), None, "", "")
        end = (one.errors, one.currency, note(is_final=one.not_final == Figure()))
        rows.append(Row(Rank.TOTAL, (*place, *_cells(figures, one.currency), *end)))
    return Sheet("billing-payment-batches", "Billing Payment Batches", of, _BATCH_COLUMNS, rows, NOTHING)


def reconciliation_sheet(found: Sequence[Reconciled], of: Sequence[str], unit_names: UnitNames) -> Sheet:
    """Lay out Billing Reconciliation: each batch, its deposits, its differences and what explains them."""
    rows = [row for one in found for row in _reconciled_rows(one, unit_names)]
    for one in add_up(found):
        amounts = (
            one.submitted_minor,
            one.original_approved_minor,
            one.original_declined_minor,
            one.original_without_result_minor,
            one.retry_submitted_minor,
            one.retry_approved_minor,
            one.original_approved_minor + one.retry_approved_minor,
            one.deposited_minor,
            one.fee_minor,
            one.awaited_minor,
            one.differing_minor,
        )
        text = _count(one.differences)
        place: tuple[Cell, ...] = ("Grand total", _counted(one.batches), None, "")
        cells = (*place, *_amounts(amounts, one.currency), "", "", None, "", "", text, one.currency)
        rows.append(Row(Rank.TOTAL, (*cells, note(is_final=not one.is_provisional))))
    return Sheet("billing-reconciliation", "Billing Reconciliation", of, _RECONCILIATION_COLUMNS, rows, NOTHING)


def _batch_rows(batch: Batch, unit: str) -> Iterator[Row]:
    place: tuple[Cell, ...] = (unit, batch.number, batch.bill_date)
    for label in Label:
        mine = [part for part in batch.parts if part.label is label]
        for part in mine:
            yield Row(Rank.LINE, (*place, label, part.tender, *_attempts(part.attempts, batch.currency), ""))
        if mine:
            sums = _attempts(batch.attempts(label), batch.currency)
            yield Row(Rank.SUBTOTAL, (*place, label, "", *sums, ""))
    figures = (batch.submitted, batch.approved, batch.declined, batch.not_attempted, batch.not_final)
    end = (batch.attempts().errors, batch.currency, note(is_final=not batch.is_provisional))
    yield Row(Rank.UNIT, (*place, "Final", "", *_cells(figures, batch.currency), *end))


def _attempts(attempts: Attempts, currency: str) -> tuple[Cell, ...]:
    figures = (
        attempts.submitted,
        attempts.approved,
        attempts.declined,
        attempts.not_attempted,
        attempts.unanswered,
    )
    return (*_cells(figures, currency), attempts.errors, currency)


def _reconciled_rows(one: Reconciled, unit_names: UnitNames) -> Iterator[Row]:
    unit = unit_names(one.business_unit_id) if one.business_unit_id is not None else "unknown"
    place: tuple[Cell, ...] = (unit, one.number, one.batch.bill_date if one.batch is not None else None)
    sums = _amounts(_batch_amounts(one), one.currency)
    text = _count(len(one.differences)) if one.differences else "in order"
    end = ("", "", None, "", "", text, one.currency, note(is_final=not one.is_provisional))
    yield Row(Rank.UNIT, (*place, "Batch", *sums, *end))
    for deposit in one.deposits:
        amounts = (None,) * 7 + (deposit.gross_minor, deposit.fee_minor, None, None)
        where = (deposit.tender, deposit.label, deposit.deposit_date, deposit.statement, "", "", one.currency, "")
        yield Row(Rank.LINE, (*place, "Deposit", *_amounts(amounts, one.currency), *where))
    for difference in one.differences:
        yield from _difference_rows(difference, place)


def _difference_rows(one: Difference, place: tuple[Cell, ...]) -> Iterator[Row]:
    amounts = _amounts((None,) * 10 + (one.amount_minor,), one.currency)
    end = (one.tender, "", None, "", "", one.text, one.currency, "")
    yield Row(Rank.SUBTOTAL, (*place, one.kind.capitalize(), *amounts, *end))
    for each in one.transactions:
        text = f"{money(each.amount_minor, one.currency)} {each.state} {each.transaction_id}".strip()
        cells = (each.tender, each.label, None, "", each.account_number, text, one.currency, "")
        yield Row(Rank.LINE, (*place, "Transaction", *_NO_AMOUNTS, *cells))


def _batch_amounts(one: Reconciled) -> tuple[int | None, ...]:
    differing = sum(difference.amount_minor for difference in one.differences)
    came = (one.approved_minor, one.deposited_minor, one.fee_minor, one.awaited_minor, differing)
    if one.batch is None:
        return (None,) * 6 + came
    original, retry = one.batch.attempts(Label.ORIGINAL), one.batch.attempts(Label.RETRY)
    of_original = (original.submitted, original.approved, original.declined, original.without_result)
    figures = (*of_original, retry.submitted, retry.approved)
    return (*(figure.amount_minor for figure in figures), *came)


def _cells(figures: Sequence[Figure], currency: str) -> list[Cell]:
    return [cell for figure in figures for cell in cells_of(figure, currency)]


def _amounts(amounts: Sequence[int | None], currency: str) -> list[Cell]:
    return [None if amount is None else money(amount, currency) for amount in amounts]


def _counted(batches: int) -> str:
    """Count batches, in a column of their numbers."""
    return "1 batch" if batches == 1 else f"{batches:,} batches"


def _count(differences: int) -> str:
    return "1 difference" if differences == 1 else f"{differences:,} differences"
