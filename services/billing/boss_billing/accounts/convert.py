"""Accounts, their sources and records, from and to protos."""

from collections.abc import Sequence
from typing import Any

from boss.billing.v1 import account_service_pb2 as pb

from boss_billing.accounts.imports import Outcome, Result
from boss_billing.accounts.records import AccountRecord
from boss_billing.accounts.rules import ACCOUNT_NAME, AccountRef, AccountView, Balance
from boss_billing.funding.commands import RenewSource
from boss_billing.funding.rules import SOURCE_NAME, CardUpdate, FundingSource
from boss_kit import names
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto, time_to_proto

_OUTCOMES = {
    Outcome.IMPORTED: pb.AccountImportResult.OUTCOME_IMPORTED,
    Outcome.ALREADY_THERE: pb.AccountImportResult.OUTCOME_ALREADY_THERE,
    Outcome.REJECTED: pb.AccountImportResult.OUTCOME_REJECTED,
}


def account_ref(name: str, field: str = "name") -> AccountRef:
    """Read an account's name. Raises InvalidArgument."""
    ids = names.parse(ACCOUNT_NAME, name, field)
    return AccountRef(ids["e"], ids["b"], ids["a"])


def record(message: Any) -> AccountRecord:
    """Read a record of an import."""
    return AccountRecord(
        message.record,
        message.external_id,
        message.business_unit,
        message.tender,
        message.token,
        message.last4,
        message.exp_month,
        message.exp_year,
        message.primary_source,
        message.past_due_balance,
        message.oldest_due_date,
    )


def result(one: Result) -> pb.AccountImportResult:
    """Write what became of a record."""
    return pb.AccountImportResult(
        record=one.record,
        external_id=one.external_id,
        outcome=_OUTCOMES[one.outcome],
        field=one.field,
        reason=one.reason,
    )


def renew_source(message: pb.FundingSource) -> RenewSource:
    """Read new card data."""
    ids = names.parse(SOURCE_NAME, message.name, "funding_source.name")
    change = CardUpdate(message.token, message.last4, message.expiry_month, message.expiry_year)
    return RenewSource(AccountRef(ids["e"], ids["b"], ids["a"]), ids["f"], change)


def funding_source(one: FundingSource) -> pb.FundingSource:
    """Write a source."""
    return pb.FundingSource(
        name=one.name,
        tender=one.tender,
        token=one.token,
        last4=one.last4,
        expiry_month=one.expiry_month,
        expiry_year=one.expiry_year,
        primary=one.is_primary,
        valid=one.is_valid,
    )


def account(found: tuple[AccountView, Sequence[FundingSource]]) -> pb.Account:
    """Write an account."""
    view, sources = found
    return pb.Account(
        name=view.ref.name,
        number=view.number,
        currency=view.currency,
        balance=money_to_proto(Money(view.balance_minor, view.currency)),
        past_due_balance=money_to_proto(Money(view.past_due_minor, view.currency)),
        funding_sources=[funding_source(source) for source in sources],
        create_time=time_to_proto(view.create_time),
        etag=str(view.version),
    )


def balance(one: Balance) -> pb.AccountBalance:
    """Write what an account owes."""
    return pb.AccountBalance(
        account=one.ref.name,
        balance=money_to_proto(Money(one.balance_minor, one.currency)),
        past_due_balance=money_to_proto(Money(one.past_due_minor, one.currency)),
        attempt_in_flight=one.attempt_in_flight,
    )
