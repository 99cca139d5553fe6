"""Read what was submitted and what became of it (SPEC BIL-9): rolled up where nothing has changed since, else live."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.reports import store
from boss_billing.reports.live import live_days
from boss_billing.reports.rules import (
    INVOICED,
    Fact,
    Figure,
    Grouping,
    Report,
    ReportFilter,
    Results,
    Submitted,
    add_tenders,
    check_below,
    check_categories,
    make_report,
    results,
    submitted,
)
from boss_billing.units import store as units
from boss_billing.units.queries import require_enterprise
from boss_billing.units.rules import require_units, units_of_division
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_GROUP_COLUMNS = {
    Grouping.ITEM_CATEGORY: "item_category",
    Grouping.ITEM: "item",
    Grouping.TENDER: "tender",
    Grouping.KIND: "kind",
    Grouping.DAY: "day",
}
_FACT_COLUMNS = ("business_unit_id", "currency", "tender", "kind", "state", "is_recovered")

_ROLLED_UP = """
    SELECT {columns}, payments, amount_minor FROM report_day
    WHERE enterprise_id = :enterprise_id AND day BETWEEN :first AND :last
"""

_BUT_MARKED = """
      AND NOT EXISTS (
          SELECT FROM unnest(CAST(:day_units AS uuid[]), CAST(:days AS date[])) AS marked (business_unit_id, day)
          WHERE marked.business_unit_id = report_day.business_unit_id AND marked.day = report_day.day
      )
"""

_FILTERS = """
    WHERE (CAST(:unit_ids AS uuid[]) = '{}' OR business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
      AND (CAST(:tenders AS text[]) = '{}' OR tender = ANY(CAST(:tenders AS text[])))
      AND (CAST(:kinds AS text[]) = '{}' OR kind = ANY(CAST(:kinds AS text[])))
"""
_OF_CATEGORIES = "AND item_category = ANY(CAST(:categories AS text[]))"

_PAYMENTS = """
    SELECT payment.*, account.number AS account_number, invoice.number AS invoice_number
    FROM payment
    JOIN account ON account.enterprise_id = payment.enterprise_id AND account.id = payment.account_id
    LEFT JOIN invoice ON invoice.enterprise_id = payment.enterprise_id AND invoice.id = payment.invoice_id
    WHERE payment.enterprise_id = :enterprise_id AND payment.payment_date BETWEEN :first AND :last
      AND payment.kind IN ('New', 'On Account', 'Past Due')
      AND (CAST(:unit_ids AS uuid[]) = '{}' OR payment.business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
      AND (CAST(:tenders AS text[]) = '{}' OR payment.tender = ANY(CAST(:tenders AS text[])))
      AND (CAST(:kinds AS text[]) = '{}' OR payment.kind = ANY(CAST(:kinds AS text[])))
      AND (CAST(:states AS text[]) = '{}' OR payment.state = ANY(CAST(:states AS text[])))
      AND (CAST(:categories AS text[]) = '{}' OR EXISTS (
          SELECT FROM invoice_line AS line
          WHERE line.enterprise_id = payment.enterprise_id AND line.invoice_id = payment.invoice_id
            AND line.item_category = ANY(CAST(:categories AS text[]))
      ))
      AND (CAST(:after_day AS date) IS NULL
           OR (payment.payment_date, payment.id) > (CAST(:after_day AS date), CAST(:after_id AS uuid)))
    ORDER BY payment.payment_date, payment.id
    LIMIT :limit
"""


def submitted_report(tx: Transaction, wanted: ReportFilter, groupings: Sequence[Grouping]) -> Report[Submitted]:
    """Read what was submitted, by kind, beside what was invoiced."""
    grouped_by = tuple(groupings)
    return make_report(_facts(tx, wanted, grouped_by), submitted, unit_names(tx, wanted.enterprise_id), grouped_by)


def results_report(tx: Transaction, wanted: ReportFilter, groupings: Sequence[Grouping]) -> Report[Results]:
    """Read what became of what was submitted, and of each tender."""
    grouped_by = tuple(groupings)
    facts = [fact for fact in _facts(tx, wanted, grouped_by, invoiced=False) if fact.kind != INVOICED]
    names = unit_names(tx, wanted.enterprise_id)
    return add_tenders(make_report(facts, results, names, grouped_by), facts, names)


def list_payments(
    tx: Transaction, wanted: ReportFilter, states: Sequence[str], page: Page
) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of the payments behind a report, by day, and the next page's token.

    Raises as `within` and `check_categories` do.
    """
    after = page.after or (None, None)
    parameters = {
        **_parameters(_checked(tx, wanted)),
        "states": list(states),
        "after_day": after[0],
        "after_id": after[1],
    }
    rows = tx.connection.execute(sa.text(_PAYMENTS), {**parameters, "limit": page.limit}).all()
    return page.cut(rows, lambda row: (row.payment_date, row.id))


def unit_names(tx: Transaction, enterprise_id: UUID) -> Callable[[UUID], str]:
    """Read how units are called; one nobody told of is called by its id."""
    known = units.units_of(tx.connection, enterprise_id)
    return lambda unit_id: known[unit_id].display_name if unit_id in known else str(unit_id)


def within(tx: Transaction, wanted: ReportFilter) -> ReportFilter:
    """Name the units of a division, where a report is for one.

    Raises NotFound for an enterprise, a division or a unit there isn't, InvalidArgument for a unit of another division.
    """
    known = units.units_of(tx.connection, wanted.enterprise_id)
    if not known:
        require_enterprise(tx, wanted.enterprise_id)
    require_units(wanted.unit_ids, known)
    if wanted.division_id is None:
        return wanted
    mine = units_of_division(wanted.division_id, known.values())
    check_below(wanted.unit_ids, mine)
    return replace(wanted, unit_ids=wanted.unit_ids or mine)


def units_named(tx: Transaction, wanted: ReportFilter) -> Sequence[str] | None:
    """Read how the units are called that a report is of; none where it is of all."""
    found = within(tx, wanted).unit_ids
    names = unit_names(tx, wanted.enterprise_id)
    return sorted(map(names, found)) if found else None


def _facts(
    tx: Transaction, wanted: ReportFilter, groupings: Sequence[Grouping], *, invoiced: bool = True
) -> list[Fact]:
    wanted = _checked(tx, wanted)
    marked = store.marked_days(tx.connection, wanted.enterprise_id, wanted.unit_ids, wanted.first, wanted.last)
    if marked.days:
        store.prepare_for_many(tx.connection, marked)
    columns = dict.fromkeys((*_FACT_COLUMNS, *(_GROUP_COLUMNS[one] for one in groupings)))
    if wanted.item_categories:
        columns["item_category"] = None
    listed = ", ".join(columns)
    rolled_up = _ROLLED_UP.format(columns=listed)
    facts = f"{rolled_up} {_BUT_MARKED} UNION ALL SELECT * FROM ({live_days(list(columns), invoiced=invoiced)}) AS live"
    grouped = ", ".join(f"CAST({_GROUP_COLUMNS[one]} AS text)" for one in groupings)
    groups = f"ARRAY[{grouped}]" if grouped else "CAST('{}' AS text[])"
    query = f"""
        SELECT business_unit_id, currency, {groups} AS groups, tender, kind, state, is_recovered,
               CAST(sum(payments) AS bigint) AS payments, CAST(sum(amount_minor) AS bigint) AS amount_minor
        FROM ({facts if marked.days else rolled_up}) AS facts
        {_FILTERS} {_OF_CATEGORIES if wanted.item_categories else ""}
        GROUP BY 1, 2, 3, 4, 5, 6, 7
    """
    rows = tx.connection.execute(sa.text(query), {**_parameters(wanted), **marked.parameters})
    return [_fact(row) for row in rows]


def _checked(tx: Transaction, wanted: ReportFilter) -> ReportFilter:
    if store.has_unknown_categories(tx.connection, wanted.enterprise_id, wanted.item_categories):
        check_categories(wanted.item_categories, store.categories_of(tx.connection, wanted.enterprise_id))
    return within(tx, wanted)


def _parameters(wanted: ReportFilter) -> Mapping[str, object]:
    return {
        "enterprise_id": wanted.enterprise_id,
        "first": wanted.first,
        "last": wanted.last,
        "unit_ids": list(wanted.unit_ids),
        "tenders": list(wanted.tenders),
        "kinds": list(wanted.kinds),
        "categories": list(wanted.item_categories),
    }


def _fact(row: "sa.Row[Any]") -> Fact:
    figure = Figure(row.payments, row.amount_minor)
    where = (row.business_unit_id, row.currency, tuple(row.groups))
    return Fact(*where, row.tender, row.kind, row.state, row.is_recovered, figure)
