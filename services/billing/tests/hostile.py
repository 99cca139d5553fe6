"""A good request for every method of billing, and what anybody may put into each of its fields."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from boss.billing import v1
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, agreement_id, due, ref, request_id, scope, unit_id
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from till import Till

from boss_billing.callbacks.rules import ResultCallback
from boss_billing.declines import store as declines
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.funding.rules import source_id
from boss_billing.refunds.rules import Destination
from boss_billing.runs import commands as runs

ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
UNIT = f"{ENTERPRISE}/businessUnits/{unit_id()}"
OTHER_UNIT = f"{ENTERPRISE}/businessUnits/{unit_id(AUSTIN)}"
STRANGER = "018f2f6e-0000-7000-8000-0000000000ff"
_STATEMENT = (
    b"deposit_id,statement,deposit_date,batch_number,label,tender,amount,fee,transaction_id\n"
    b"d1,S1,2026-01-07,9,Original,VISA,35.00,0.90,\n"
)
_TEXTS = (
    *("", " ", "x", "é" * 300, "x" * 20_000, "-1", "9" * 40, "NaN", "null", "'; DROP TABLE account; --", "%s%n"),
    *("\u202etxt", "😀", "a\x00b", "/", "enterprises/", "enterprises/x", f"enterprises/{STRANGER}", ENTERPRISE, UNIT),
    *(f"enterprises/{STRANGER}/businessUnits/{unit_id()}", f"{UNIT}/accounts/{STRANGER}"),
    "00000000-0000-0000-0000-000000000000",
)
_DATES = ((0, 0, 0), (1, 1, 1), (9999, 12, 31), (2026, 2, 30), (2026, 13, 1), (-5, 1, 1), (2026, 1, 0))
_MONIES = (
    *(("", 0, 0), ("USD", 0, 0), ("USD", -35, 0), ("USD", 2**63 - 1, 999_999_999), ("USD", 90_000_000_000_000, 0)),
    *(("USD", 1, 1), ("USD", 1, -10_000_000), ("EUR", 35, 0), ("XXX", 35, 0), ("USD", -(2**63), 0), ("KWD", 1, 0)),
)
_VALUES: Mapping[int, Sequence[Any]] = {
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_INT32: (-(2**31), -1, 0, 1, 13, 1001, 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), -1, 0, 1, 2**63 - 1),
    FieldDescriptor.TYPE_BOOL: (True, False),
    FieldDescriptor.TYPE_BYTES: (b"", b"\xff\x00", b"a,b\n1", b"x" * 20_000),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 3, 99, -1),
}


def live(club: Club) -> None:
    """Bill, collect, decline and move money on two accounts; leave something to approve, to start and to resolve."""
    till = Till(club)
    alert_of(club, "D03")
    limit_of(club, AttemptLimit("DISC", Per.SOURCE, 9, 90))
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add_account("M2")
    club.due.charges = [due("M1"), due("M2")]
    club.script["tok_M2", 1] = "D03"
    club.play(DAY)
    till.invoice("M1", 1000)
    till.fee("M2", 500)
    till.credit("M1", 9000)
    till.returned("M1", 300)
    club.due.charges = [due("M1", cycle=2, day=DAY + timedelta(days=1))]
    club.set_clock(DAY + timedelta(days=1))
    club.bill()
    till.refund("M1", 300, Destination.FUNDING_SOURCE)
    till.take_back("M1", club.one("SELECT id FROM payment WHERE state = 'approved'"), 1500)
    till.invoice("M1", 90_000)
    club.add_account("M3")
    till.pay("M3", 5000)
    till.invoice("M2", 700)
    till.write_off("M2", club.one("SELECT id FROM invoice WHERE total_minor = 700"))
    club.report(ResultCallback("lost", STRANGER, "t9", "A01", "", None))
    begin_runs(club)


def limit_of(club: Club, limit: AttemptLimit) -> None:
    """Give the enterprise an attempt limit of its own."""
    with club.units.begin(club.context()) as tx:
        declines.save_limit(tx.connection, ENTERPRISE_ID, limit)


def alert_of(club: Club, code: str) -> None:
    """Let a decline alert the staff."""
    with club.units.begin(club.context()) as tx:
        of_enterprise = declines.codes(tx.connection, ENTERPRISE_ID)[code]
        declines.save_code(tx.connection, ENTERPRISE_ID, replace(of_enterprise, alert=True))


def begin_runs(club: Club) -> None:
    """Draft a run of another unit, and start one of the day before that nobody works on yet."""
    with club.units.begin(club.context()) as tx:
        runs.create_run(tx, runs.StartBillRun(scope(AUSTIN), DAY))
    club.start_run(DAY - timedelta(days=1), AUSTIN)


def requests(club: Club) -> Iterator[tuple[MethodDescriptor, Message]]:
    """Give each method with a good request for it."""
    good = _good(club)
    for method in methods():
        # What has no request here is found missing by the first sweep that comes to it.
        made = ParseDict(good[f"{method.containing_service.name}.{method.name}"], GetMessageClass(method.input_type)())
        yield method, _named(made)


def spoilt(good: Message) -> Iterator[Message]:
    """Give a request with one of its fields made bad, for each field and each bad value."""
    for path in _paths(good):
        *inside, last = path
        for value in _bad(last[0]):
            made = type(good)()
            made.CopyFrom(good)
            part: Any = made
            for one, place in inside:
                part = getattr(part, one.name) if place is None else getattr(part, one.name)[place]
            _put(part, last[0], value)
            yield _named(made) if last[0].name != "request_id" else made


def methods() -> Iterator[MethodDescriptor]:
    """Give billing's methods."""
    for path in sorted(Path(next(iter(v1.__path__))).glob("*_service_pb2.py")):
        module = import_module(f"boss.billing.v1.{path.stem}")
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def stub_class(method: MethodDescriptor) -> Any:
    """Give the stub of a method's service."""
    service = method.containing_service
    module = import_module(service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc")
    return getattr(module, f"{service.name}Stub")


def _named(made: Any) -> Message:
    if "request_id" in made.DESCRIPTOR.fields_by_name:
        made.request_id = request_id()
    request: Message = made
    return request


def _paths(message: Message) -> Iterator[list[tuple[FieldDescriptor, int | None]]]:
    for one in message.DESCRIPTOR.fields:
        yield [(one, None)]
        if one.message_type is None or one.message_type.full_name.startswith("google."):
            continue
        if one.message_type.GetOptions().map_entry:
            continue
        value = getattr(message, one.name)
        parts = list(enumerate(value))[:1] if one.is_repeated else [(None, value)]
        for place, part in parts:
            for inside in _paths(part):
                yield [(one, place), *inside]


def _bad(one: FieldDescriptor) -> Sequence[Any]:
    if one.message_type is None:
        return _VALUES[one.type]
    kind = one.message_type.full_name
    if kind == "google.type.Date":
        return [dict(zip(("year", "month", "day"), day, strict=True)) for day in _DATES]
    if kind == "google.type.Money":
        return [dict(zip(("currency_code", "units", "nanos"), money, strict=True)) for money in _MONIES]
    if kind == "google.protobuf.FieldMask":
        return [{"paths": [path]} for path in ("", "x", "name", "token", "valid", "expiry_year")]
    return [None]


def _put(part: Any, one: FieldDescriptor, value: Any) -> None:
    part.ClearField(one.name)
    if value is None:
        return
    if one.message_type is not None:
        made = getattr(part, one.name)
        new = GetMessageClass(one.message_type)(**value)
        if one.is_repeated:
            made.append(new)
        else:
            made.CopyFrom(new)
    elif one.is_repeated:
        getattr(part, one.name).extend([value, value])
    else:
        setattr(part, one.name, value)


def _run(club: Club, where: str) -> str:
    return f"{ENTERPRISE}/billRuns/{club.rows(f'SELECT id FROM bill_run WHERE {where}')[0][0]}"


def _good(club: Club) -> Mapping[str, Mapping[str, Any]]:
    account, other = ref("M1").name, ref("M2").name
    day = {"year": 2026, "month": DAY.month, "day": DAY.day}
    tomorrow = {**day, "day": DAY.day + 1}
    usd = {"currency_code": "USD", "units": "5"}
    days = {"start_date": day, "end_date": day}
    payment = club.one("SELECT id FROM payment WHERE state = 'approved' ORDER BY id LIMIT 1")
    declined = club.one("SELECT id FROM payment WHERE state LIKE '%declined%' LIMIT 1")
    attempt = club.one("SELECT id FROM attempt ORDER BY id DESC LIMIT 1")
    owed = club.one("SELECT id FROM invoice WHERE total_minor = 90_000")
    fee = club.one("SELECT id FROM invoice WHERE kind = 'fee'")
    run = _run(club, "state = 'submitted'")
    # Watching ends when the run does, and resuming lets a run go on.
    watched = _run(club, "state = 'submitted' ORDER BY id DESC")
    batch = club.one("SELECT number FROM batch ORDER BY number LIMIT 1")
    movements = dict(tuple(row) for row in club.rows("SELECT kind, id FROM movement"))
    refund = f"{account}/refunds/{club.one('SELECT id FROM refund LIMIT 1')}"
    source = f"{account}/fundingSources/{source_id(ref('M1').id)}"
    written_off = f"{other}/movements/{movements['write-off']}"
    card = {"tender": "VISA", "token": "tok_n", "last4": "4242", "expiry_month": 12, "expiry_year": 2030}
    line = {"description": "Towel", "amount": usd, "tax": usd, "item_category": "Retail", "item": "Towel"}
    at, of = {"parent": ENTERPRISE}, {"parent": account}
    moved = {**of, "amount": usd, "reason": "goodwill"}
    report = {**at, "filter": {**days, "business_units": [UNIT], "tenders": ["VISA"]}}
    record = {
        "record": 1,
        "external_id": "N9",
        "business_unit": DENVER,
        "tender": "VISA",
        "token": "tok_N9",
        "last4": "4242",
        "exp_month": "12",
        "exp_year": "2030",
        "primary_source": "yes",
        "past_due_balance": "5.00",
        "oldest_due_date": "2025-12-01",
    }
    result = {"result_id": "r1", "attempt_id": str(attempt), "code": "A01", "amount": usd}
    return {
        "AccountService.GetAccount": {"name": account},
        "AccountService.ListAccounts": {"parent": UNIT, "number": "M1", "page_size": 5},
        "AccountService.BatchGetBalances": {**at, "accounts": [account, other]},
        "AccountService.ImportAccounts": {**at, "validate_only": True, "records": [record]},
        "AccountService.CreateAccount": {"parent": UNIT, "account_id": str(UUID(int=77)), "account": {"number": "N7"}},
        "AccountService.CreateFundingSource": {**of, "funding_source": {**card, "responsibility_percent": 20}},
        "AccountService.UpdateFundingSource": {"funding_source": {"name": source, **card}, "update_mask": "expiryYear"},
        "AdjustmentService.CreateCredit": {**moved, "invoice": f"{account}/invoices/{owed}"},
        "AdjustmentService.CreateDebit": moved,
        "BillRunService.GetBillRun": {"name": run},
        "BillRunService.ListBillRuns": {**at, "page_size": 5},
        "BillRunService.ListSkippedCharges": {"parent": run, "page_size": 5},
        "BillRunService.ListBatches": {**at, "page_size": 5},
        "BillRunService.PreviewBillRun": {"parent": UNIT, "bill_date": day, "page_size": 5},
        "BillRunService.CreateBillRun": {"parent": UNIT, "bill_date": day},
        "BillRunService.ApproveBillRun": {"name": _run(club, "state = 'draft'")},
        "BillRunService.StartBillRun": {
            "parent": f"{ENTERPRISE}/businessUnits/{unit_id(AUSTIN)}",
            "bill_date": tomorrow,
        },
        "BillRunService.CancelBillRun": {"name": _run(club, "state = 'billing'")},
        "BillRunService.ResumeBillRun": {"name": run},
        "BillRunService.WatchBillRun": {"name": watched},
        "ChargebackService.CreateChargeback": {
            "payment": f"{account}/payments/{payment}",
            "kind": 1,
            "amount": usd,
            "reason": "disputed",
        },
        "ChargebackService.ReverseChargeback": {
            "movement": f"{account}/movements/{movements['chargeback']}",
            "amount": usd,
            "reason": "won",
        },
        "DeclineService.ListDeclineCodes": at,
        "DeclineService.ListAttemptLimits": at,
        "DeclineService.ListDeclineAlerts": {**at, "open_only": True},
        "DeclineService.UpdateDeclineCode": {
            "decline_code": {
                **at,
                "code": "D03",
                "response_class": "soft",
                "message": "Funds",
                "tried": True,
                "rebill": True,
                "invalidate_after": 2,
                "invalidate_months": 3,
                "arm_entry": True,
                "decline_fee": usd,
            }
        },
        "DeclineService.UpdateAttemptLimit": {
            "attempt_limit": {**at, "tender": "VISA", "per": "source", "attempts_max": 20, "window_days": 30}
        },
        "DeclineService.DeleteAttemptLimit": {**at, "tender": "DISC", "per": "source", "window_days": 90},
        "DeclineService.ResolveDeclineAlert": {"payment": f"{other}/payments/{declined}", "comment": "called"},
        "DepositService.ListDeposits": {**at, **days, "batch_number": batch, "statement": "S1", "source": "standard"},
        "DepositService.ListDepositStatements": at,
        "DepositService.ListDepositSources": at,
        "DepositService.ListSettlementWindows": at,
        "DepositService.ImportDeposits": {
            **at,
            "source": "standard",
            "file_name": "a.csv",
            "line_count": 1,
            "content": b64encode(_STATEMENT).decode(),
        },
        "DepositService.UpdateSettlementWindow": {
            **at,
            "settlement_window": {"tender": "VISA", "days_min": 1, "days_max": 3},
        },
        "DepositService.UpdateDepositSource": {
            "parent": ENTERPRISE,
            "deposit_source": {
                "source": "bank",
                "delimiter": ";",
                "date_format": "DD.MM.YYYY",
                "columns": {"deposit_date": "Date", "amount": "Amount", "batch_number": "Batch"},
            },
        },
        "FeeService.WaiveFee": {"invoice": f"{other}/invoices/{fee}", "amount": usd, "reason": "first time"},
        "InvoiceService.GetInvoice": {"name": f"{account}/invoices/{owed}"},
        "InvoiceService.ListInvoices": {**of, "open_only": True, "page_size": 5},
        "InvoiceService.CreateInvoice": {
            **of,
            "agreement": f"{UNIT}/agreements/{agreement_id('M1')}",
            "due_date": day,
            "kind": 1,
            "lines": [{**line, "period_start_date": day, "period_end_date": day}],
        },
        "LedgerService.GetAging": {**at, "as_of_date": day},
        "LedgerService.ListAgedAccounts": {**at, "as_of_date": day, "page_size": 5},
        "LedgerService.GetBillingSummary": {**at, **days},
        "LedgerService.CheckLedger": at,
        "LedgerService.GetBillingSettings": {"business_unit": UNIT},
        "LedgerService.UpdateBillingSettings": {
            "billing_settings": {"business_unit": UNIT, "card_updater": True, "card_updater_days_before": 5}
        },
        "MovementService.GetMovement": {"name": written_off},
        "MovementService.ListMovements": {**of, "page_size": 5},
        "MovementService.GetApprovalLimit": {"scope": UNIT},
        "MovementService.UpdateApprovalLimit": {"approval_limit": {"scope": UNIT, "limit": {**usd, "units": "9000"}}},
        "PaymentService.GetPayment": {"name": f"{account}/payments/{payment}"},
        "PaymentService.ListPayments": {**of, "page_size": 5},
        "PaymentService.CreatePayment": {
            **of,
            "amount": usd,
            "tender": "CASH",
            "invoice": f"{account}/invoices/{owed}",
        },
        "ProcessorCallbackService.ListUnmatchedCallbacks": {**at, "state": 1},
        "ProcessorCallbackService.ReportPaymentResults": {**at, "results": [result]},
        "ProcessorCallbackService.ReportRefundResults": {
            **at,
            "results": [{"result_id": "r1", "refund_id": refund.rpartition("/")[2], "code": "A02"}],
        },
        "ProcessorCallbackService.ReportAccountUpdates": {
            **at,
            "updates": [{"update_id": "u1", "inquiry_id": STRANGER, "outcome": 1, "token": "t", "last4": "1"}],
        },
        "ProcessorCallbackService.ReportReturns": {
            **at,
            "returns": [{"return_id": "r1", "attempt_id": str(attempt), "kind": 1, "amount": usd}],
        },
        "ProcessorCallbackService.ReportDeposits": {
            "parent": ENTERPRISE,
            "deposits": [
                {
                    "deposit_id": "d1",
                    "source": "standard",
                    "statement": "S1",
                    "deposit_date": day,
                    "batch_number": batch,
                    "label": "Original",
                    "tender": "VISA",
                    "gross": usd,
                    "fee": usd,
                }
            ],
        },
        "ProcessorCallbackService.ResolveCallback": {
            **at,
            "kind": "payment_result",
            "callback_id": "lost",
            "resolution": 3,
            "comment": "asked them",
        },
        "RebillService.GetRebillSchedule": {"parent": UNIT, "tender": "VISA"},
        "RebillService.UpdateRebillSchedule": {
            "rebill_schedule": {"parent": UNIT, "tender": "VISA", "after_days": [3, 7], "paydays": [1, 15]}
        },
        "RebillService.DeleteRebillSchedule": {"parent": UNIT, "tender": "VISA"},
        "RebillService.ExplainNextAttempt": {"invoice": f"{account}/invoices/{owed}"},
        "RefundService.GetReturn": {"name": f"{account}/returns/{movements['return']}"},
        "RefundService.GetRefund": {"name": refund},
        "RefundService.ListRefunds": {**of, "page_size": 5},
        "RefundService.CreateReturn": {**of, "lines": [line], "destination": 1, "reason": "unused"},
        "RefundService.CreateRefund": {**moved, "parent": ref("M3").name, "destination": 3},
        "ReportService.GetSubmittedReport": {**report, "group_by": [1, 2]},
        "ReportService.GetResultsReport": {**report, "group_by": [5, 3]},
        "ReportService.GetPaymentBatchesReport": {**report, "detail": True, "page_size": 5},
        "ReportService.GetReconciliationReport": {**report, "only_differences": True, "page_size": 5},
        "ReportService.ListBatchTransactions": {**at, "batch_number": batch, "label": "Original", "tender": "VISA"},
        "ReportService.ListReportedPayments": {**report, "result": 1, "page_size": 5},
        "ReportService.ExportReport": {**report, "report": 1, "format": 1, "group_by": [1]},
        "StatementService.GetStatement": {"account": account, **days},
        "WriteOffService.CreateWriteOff": {**of, "invoices": [f"{account}/invoices/{owed}"], "reason": "moved away"},
        "WriteOffService.ReverseWriteOff": {"movement": written_off, "reason": "came back"},
    }
