"""The figures of a run: no times, durations, ids or paths, so that equal runs give equal bytes (DESIGN 5)."""

import json
from collections.abc import Mapping
from typing import Any

from boss.arm.v1 import cycle_service_pb2 as cycles
from boss.billing.v1 import ledger_service_pb2 as ledger
from boss.collections.v1 import collections_service_pb2 as collections
from boss.notifications.v1 import notification_service_pb2 as notifications

from boss_cli.clients import Clients
from boss_cli.club_import import ImportReport
from boss_demo.idle import lagging, read_statuses

Figures = dict[str, Any]


def collect(
    clients: Clients, enterprise: str, report: ImportReport, topology: Mapping[str, list[str]], *, seed: int, days: int
) -> Figures:
    """Ask the services what became of everything."""
    billing = clients.billing.ledger.GetBillingSummary(ledger.GetBillingSummaryRequest(parent=enterprise))
    proof = clients.billing.ledger.CheckLedger(ledger.CheckLedgerRequest(parent=enterprise))
    arm = clients.arm.cycles.GetArmStatistics(cycles.GetArmStatisticsRequest(parent=enterprise))
    sent = clients.notifications.notifications.GetNotificationStatistics(
        notifications.GetNotificationStatisticsRequest(parent=enterprise)
    )
    channels = {channel.channel: channel for channel in sent.channels}
    return {
        "seed": seed,
        "days": days,
        **_imported(report),
        "bill_runs": billing.bill_runs,
        "invoices": billing.invoiced.count,
        "payments": {
            "submitted": billing.submitted.count,
            "approved": billing.approved.count,
            "declined": billing.declined.count,
            "recovered_by_cau": billing.recovered_by_card_updater.count,
            "point_of_sale": billing.point_of_sale.count,
            "in_flight": billing.in_flight.count,
        },
        "amounts": {
            "invoiced": _text(billing.invoiced.amount),
            "submitted": _text(billing.submitted.amount),
            "approved": _text(billing.approved.amount),
            "declined": _text(billing.declined.amount),
            "point_of_sale": _text(billing.point_of_sale.amount),
            "receivable": _text(proof.receivable),
        },
        "arm": {"opened": arm.opened, "closed": arm.closed, "active": arm.active},
        "notifications": {
            name.lower(): channels[name].sent if name in channels else 0 for name in ("Email", "Letter", "Phone")
        },
        "invalid_contacts": sum(channel.invalidated_contacts for channel in sent.channels),
        "collections_pending": _count_pending(clients, enterprise),
        "ledger_balanced": proof.balanced,
        "ledger_problems": list(proof.problems),
        "charges_billed_twice": proof.charges_billed_twice,
        "accounts_with_two_open_cycles": arm.accounts_with_two_open_cycles,
        "notifications_sent_twice": sent.sent_twice,
        "events_unprocessed": _count_unprocessed(clients, topology),
    }


def is_sound(figures: Figures) -> bool:
    """Tell whether the invariants hold."""
    zeros = ("charges_billed_twice", "accounts_with_two_open_cycles", "notifications_sent_twice", "events_unprocessed")
    return bool(figures["ledger_balanced"]) and not any(figures[name] for name in zeros)


def to_json(figures: Figures) -> str:
    """Write the figures with sorted keys."""
    return json.dumps(figures, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _imported(report: ImportReport) -> Figures:
    return {
        "records": report.records,
        "imported": report.imported,
        "already_there": report.already_there,
        "rejected": [
            {"record": row.record, "external_id": row.external_id, "field": row.field, "reason": row.reason}
            for row in sorted(report.rejected, key=lambda row: row.record)
        ],
    }


def _count_pending(clients: Clients, enterprise: str) -> int:
    count, token = 0, ""
    while True:
        page = clients.collections.collections.ListStages(
            collections.ListStagesRequest(parent=enterprise, stage="Pending", page_size=1000, page_token=token)
        )
        count += len(page.stages)
        token = page.next_page_token
        if not token:
            return count


def _count_unprocessed(clients: Clients, topology: Mapping[str, list[str]]) -> int:
    statuses = read_statuses(clients, topology)
    waiting = sum(status.outbox_events + status.parked_events for status in statuses.values())
    return waiting + len(lagging(statuses, topology))


def _text(money: Any) -> str:
    return f"{money.units}.{money.nanos // 10_000_000:02d} {money.currency_code}"
