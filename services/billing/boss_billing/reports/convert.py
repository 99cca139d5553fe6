"""Reports from and to protos."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from boss.billing.v1 import report_service_pb2 as pb

from boss_billing.accounts.rules import AccountRef
from boss_billing.payments.rules import SUBMITTED_KINDS, State
from boss_billing.reports.rules import (
    DAYS_MAX,
    EVER,
    GROUPINGS_DEFAULT,
    NONE,
    Figure,
    Grouping,
    Line,
    Report,
    ReportFilter,
    Results,
    Submitted,
    check_below,
    check_days,
    check_groupings,
    check_of_batches,
    check_of_payments,
    check_tenders,
    is_open,
)
from boss_billing.units.rules import DIVISION_NAME, ENTERPRISE_NAME, UNIT_NAME
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto

_GROUPINGS = {
    pb.REPORT_GROUPING_ITEM_CATEGORY: Grouping.ITEM_CATEGORY,
    pb.REPORT_GROUPING_ITEM: Grouping.ITEM,
    pb.REPORT_GROUPING_TENDER: Grouping.TENDER,
    pb.REPORT_GROUPING_KIND: Grouping.KIND,
    pb.REPORT_GROUPING_DAY: Grouping.DAY,
}
_OF_GROUPING = {grouping: value for value, grouping in _GROUPINGS.items()}
_STATES = {
    pb.REPORTED_RESULT_APPROVED: (State.APPROVED,),
    pb.REPORTED_RESULT_DECLINED: (State.FINALLY_DECLINED,),
    pb.REPORTED_RESULT_NOT_ATTEMPTED: (State.NOT_ATTEMPTED,),
    pb.REPORTED_RESULT_NOT_FINAL: tuple(state for state in State if is_open(state)),
}


def read_filter(parent: str, message: pb.ReportFilter) -> ReportFilter:
    """Read which payments or batches. Raises InvalidArgument for what there isn't, and days in the wrong order."""
    first, last = _days(message)
    check_tenders(message.tenders, "filter.tenders")
    unknown = sorted(set(message.kinds) - set(SUBMITTED_KINDS))
    if unknown:
        known = ", ".join(SUBMITTED_KINDS)
        raise InvalidArgument.field("filter.kinds", f"{unknown[0]!r} is no kind of payment; there are {known}.")
    enterprise_id, unit_ids, division_id = _units(parent, message.business_units)
    lists = (tuple(message.tenders), tuple(message.kinds), tuple(message.item_categories))
    return ReportFilter(enterprise_id, unit_ids, first, last, *lists, division_id, message.batch_number)


def _days(message: pb.ReportFilter) -> tuple[date, date]:
    """Read the bill dates; a batch that is asked for by its number may be of any."""
    days = list(EVER)
    for place, field in enumerate(("start_date", "end_date")):
        if message.HasField(field):
            days[place] = date_from_proto(getattr(message, field), f"filter.{field}")
        elif not message.batch_number:
            text = "is missing: give the first and the last bill date, or the batch_number of one batch."
            raise InvalidArgument.field(f"filter.{field}", text)
    first, last = days
    check_days(first, last, span_days_max=None if message.batch_number else DAYS_MAX)
    return first, last


def read_payment_filter(parent: str, message: pb.ReportFilter) -> ReportFilter:
    """Read which payments. Raises InvalidArgument."""
    wanted = read_filter(parent, message)
    check_of_payments(wanted)
    return wanted


def read_batch_filter(parent: str, message: pb.ReportFilter) -> ReportFilter:
    """Read which batches. Raises InvalidArgument."""
    wanted = read_filter(parent, message)
    check_of_batches(wanted)
    return wanted


def _units(parent: str, business_units: Sequence[str]) -> tuple[UUID, tuple[UUID, ...], UUID | None]:
    """Read the enterprise, the units below a parent (none is all of them), and the division."""
    of_unit = "/businessUnits/" in parent
    pattern = UNIT_NAME if of_unit else DIVISION_NAME if "/divisions/" in parent else ENTERPRISE_NAME
    ids = names.parse(pattern, parent, "parent")
    found = []
    for index, name in enumerate(business_units):
        named = names.parse(UNIT_NAME, name, f"filter.business_units[{index}]")
        if named["e"] != ids["e"]:
            raise InvalidArgument.field(f"filter.business_units[{index}]", "must lie below the parent.")
        found.append(named["b"])
    if of_unit:
        check_below(found, [ids["b"]])
    return ids["e"], (ids["b"],) if of_unit else tuple(found), ids.get("d")


def read_groupings(values: Sequence[Any], *, units_only: bool) -> tuple[Grouping, ...]:
    """Read what to group by. Raises InvalidArgument for what there isn't, or twice the same."""
    if units_only:
        return ()
    found = tuple(_GROUPINGS[value] for value in values if value in _GROUPINGS)
    if len(found) != len(values):
        raise InvalidArgument.field("group_by", "holds something a report can't be grouped by.")
    check_groupings(found)
    return found or GROUPINGS_DEFAULT


def read_states(value: Any) -> tuple[State, ...]:
    """Read which results; none is all."""
    return _STATES.get(value, ())


def submitted(enterprise_id: UUID, report: Report[Submitted]) -> pb.SubmittedReport:
    """Write Post-Billing Submitted."""
    return pb.SubmittedReport(
        lines=[_submitted(enterprise_id, line) for line in report.lines],
        totals=[_submitted(enterprise_id, line) for line in report.totals],
        group_by=[_OF_GROUPING[one] for one in report.grouped_by],
        provisional=any(line.measure.not_final != NONE for line in report.totals),
    )


def results(enterprise_id: UUID, report: Report[Results]) -> pb.ResultsReport:
    """Write Post-Billing Results."""
    return pb.ResultsReport(
        lines=[_results(enterprise_id, line) for line in report.lines],
        totals=[_results(enterprise_id, line) for line in report.totals],
        tender_lines=[_results(enterprise_id, line) for line in report.tender_lines],
        tender_totals=[_results(enterprise_id, line) for line in report.tender_totals],
        group_by=[_OF_GROUPING[one] for one in report.grouped_by],
        provisional=any(line.measure.not_final != NONE for line in report.totals),
    )


def payment(row: Any) -> pb.ReportedPayment:
    """Write a payment of a report."""
    account = AccountRef(row.enterprise_id, row.business_unit_id, row.account_id).name
    result = next(value for value, states in _STATES.items() if row.state in states)
    return pb.ReportedPayment(
        payment=f"{account}/payments/{row.id}",
        account_number=row.account_number,
        invoice_number=row.invoice_number or "",
        kind=row.kind,
        tender=row.tender,
        amount=money_to_proto(Money(row.amount_minor, row.currency)),
        payment_date=date_to_proto(row.payment_date),
        result=result,
        retried=row.is_recovered,
        response_code=row.response_code,
        response_message=row.response_message,
    )


def figure(one: Figure, currency: str) -> pb.ReportFigure:
    """Write how many and how much."""
    return pb.ReportFigure(count=one.count, amount=money_to_proto(Money(one.amount_minor, currency)))


def unit_name(enterprise_id: UUID, unit_id: UUID | None) -> str:
    """Name a unit; none stays empty."""
    return names.format_name(UNIT_NAME, e=enterprise_id, b=unit_id) if unit_id is not None else ""


def _submitted(enterprise_id: UUID, line: Line[Submitted]) -> pb.SubmittedLine:
    one, currency = line.measure, line.currency
    return pb.SubmittedLine(
        level=line.level,
        business_unit=unit_name(enterprise_id, line.business_unit_id),
        group=line.groups,
        new_payments=figure(one.new, currency),
        on_account=figure(one.on_account, currency),
        past_due=figure(one.past_due, currency),
        total=figure(one.total, currency),
        amount_invoiced=money_to_proto(Money(one.invoiced.amount_minor, currency)),
        provisional=one.not_final != NONE,
    )


def _results(enterprise_id: UUID, line: Line[Results]) -> pb.ResultsLine:
    one, currency = line.measure, line.currency
    return pb.ResultsLine(
        level=line.level,
        business_unit=unit_name(enterprise_id, line.business_unit_id),
        group=line.groups,
        submitted=figure(one.submitted, currency),
        approved=figure(one.approved, currency),
        original_approved=figure(one.original_approved, currency),
        retry_approved=figure(one.retry_approved, currency),
        declined=figure(one.declined, currency),
        not_attempted=figure(one.not_attempted, currency),
        not_final=figure(one.not_final, currency),
        declined_percent_by_count=one.declined_by_count,
        declined_percent_by_amount=one.declined_by_amount,
        provisional=one.not_final != NONE,
    )
