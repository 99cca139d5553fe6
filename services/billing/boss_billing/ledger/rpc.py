"""LedgerService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import ledger_service_pb2 as pb
from boss.billing.v1 import ledger_service_pb2_grpc

from boss_billing.accounts.rpc import scope
from boss_billing.ledger import as_of, convert, queries
from boss_billing.ledger.queries import Proof, Summary, Total
from boss_billing.movements.rpc import account_scope
from boss_billing.units import commands as units
from boss_billing.units.rules import ENTERPRISE_NAME, UNIT_NAME, BillingSettings, Unit
from boss_kit import names
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_to_proto, optional_date_from_proto
from boss_kit.rpc.door import Door


class LedgerServicer(ledger_service_pb2_grpc.LedgerServiceServicer):
    """The books, and how units bill."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CheckLedger(self, request: pb.CheckLedgerRequest, context: grpc.ServicerContext) -> pb.CheckLedgerResponse:
        """Prove the books."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        return self._door.query(request, lambda tx: _proof(queries.check_ledger(tx, enterprise_id)))

    def GetAging(self, request: pb.GetAgingRequest, context: grpc.ServicerContext) -> pb.Aging:
        """Sum what was owed, by age."""
        where = account_scope(request.parent)
        day = optional_date_from_proto(request, "as_of_date")
        return self._door.query(request, lambda tx: convert.aging(as_of.aging(tx, where, day)))

    def ListAgedAccounts(
        self, request: pb.ListAgedAccountsRequest, context: grpc.ServicerContext
    ) -> pb.ListAgedAccountsResponse:
        """List who owed what, by age."""
        where = account_scope(request.parent)
        day = optional_date_from_proto(request, "as_of_date")
        page = open_page(request.page_size, request.page_token, filters=(request.parent, str(day)))

        def answer(tx: Any) -> pb.ListAgedAccountsResponse:
            found, token = as_of.aged_accounts(tx, where, day, page)
            accounts = [convert.aged_account(one) for one in found]
            return pb.ListAgedAccountsResponse(accounts=accounts, next_page_token=token)

        return self._door.query(request, answer)

    def GetBillingSummary(
        self, request: pb.GetBillingSummaryRequest, context: grpc.ServicerContext
    ) -> pb.BillingSummary:
        """Count and sum a span of days."""
        enterprise_id, unit_id = scope(request.parent)
        first, last = optional_date_from_proto(request, "start_date"), optional_date_from_proto(request, "end_date")

        def answer(tx: Any) -> pb.BillingSummary:
            return _summary(queries.summary(tx, enterprise_id, unit_id, first, last))

        return self._door.query(request, answer)

    def GetBillingSettings(
        self, request: pb.GetBillingSettingsRequest, context: grpc.ServicerContext
    ) -> pb.BillingSettings:
        """Read how a unit bills."""
        ids = names.parse(UNIT_NAME, request.business_unit, "business_unit")
        return self._door.query(request, lambda tx: _settings(units.require_unit(tx, ids["e"], ids["b"])))

    def UpdateBillingSettings(
        self, request: pb.UpdateBillingSettingsRequest, context: grpc.ServicerContext
    ) -> pb.BillingSettings:
        """Set how a unit bills."""
        wanted = request.billing_settings
        ids = names.parse(UNIT_NAME, wanted.business_unit, "billing_settings.business_unit")
        settings = BillingSettings(
            wanted.card_updater,
            wanted.rebill_after_days,
            wanted.rebill_attempts_max,
            wanted.card_updater_days_before,
        )
        return self._door.command(
            request, lambda tx: _settings(units.update_settings(tx, ids["e"], ids["b"], settings))
        )


def _proof(proof: Proof) -> pb.CheckLedgerResponse:
    return pb.CheckLedgerResponse(
        balanced=not proof.problems and not proof.charges_billed_twice,
        transfers=proof.transfers,
        problems=proof.problems,
        charges_billed_twice=proof.charges_billed_twice,
        receivable=money_to_proto(proof.receivable),
    )


def _summary(one: Summary) -> pb.BillingSummary:
    def total(of: Total) -> pb.CountAndAmount:
        return pb.CountAndAmount(count=of.count, amount=money_to_proto(Money(of.amount_minor, one.currency)))

    return pb.BillingSummary(
        invoiced=total(one.invoiced),
        submitted=total(one.submitted),
        approved=total(one.approved),
        declined=total(one.declined),
        recovered_by_card_updater=total(one.recovered),
        point_of_sale=total(one.point_of_sale),
        in_flight=total(one.in_flight),
        bill_runs=one.bill_runs,
    )


def _settings(unit: Unit) -> pb.BillingSettings:
    if not unit.has_settings:
        # The rebill schedule of the level above decides then.
        return pb.BillingSettings(business_unit=unit.name)
    return pb.BillingSettings(
        business_unit=unit.name,
        defined_at=unit.name,
        card_updater=unit.settings.card_updater,
        rebill_after_days=unit.settings.rebill_after_days,
        rebill_attempts_max=unit.settings.rebill_attempts_max,
        card_updater_days_before=unit.settings.updater_days_before,
    )
