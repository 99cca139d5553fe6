"""Accounts, their sources and records, from and to protos."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from boss.billing.v1 import account_service_pb2 as pb

from boss_billing.accounts.commands import NewAccount
from boss_billing.accounts.imports import Outcome, Result
from boss_billing.accounts.records import AccountRecord
from boss_billing.accounts.rules import ACCOUNT_NAME, AccountRef, AccountView, Balance
from boss_billing.funding.changes import AddSource, ChangeSource
from boss_billing.funding.rules import SOURCE_NAME, FundingSource
from boss_billing.units.rules import UNIT_NAME
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto, time_to_proto

_OUTCOMES = {
    Outcome.IMPORTED: pb.AccountImportResult.OUTCOME_IMPORTED,
    Outcome.ALREADY_THERE: pb.AccountImportResult.OUTCOME_ALREADY_THERE,
    Outcome.REJECTED: pb.AccountImportResult.OUTCOME_REJECTED,
}

_CARD_FIELDS = ("token", "last4", "expiry_month", "expiry_year")
_SOURCE_FIELDS = {
    "tender": "tender",
    **{name: name for name in _CARD_FIELDS},
    "primary": "is_primary",
    "valid": "is_valid",
    "active": "is_active",
    "recurring": "is_recurring",
    "responsibility_percent": "responsibility_percent",
    "on_account": "is_on_account",
}
"""The fields of a source that may be set, and how rules name them."""


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


def new_account(request: pb.CreateAccountRequest) -> NewAccount:
    """Read a new account."""
    ids = names.parse(UNIT_NAME, request.parent, "parent")
    ref = AccountRef(ids["e"], ids["b"], UUID(request.account_id))
    return NewAccount(ref, request.account.number, request.account.currency)


def new_source(request: pb.CreateFundingSourceRequest) -> AddSource:
    """Read a new source."""
    message = request.funding_source
    return AddSource(
        account_ref(request.parent, "parent"), {own: getattr(message, name) for name, own in _SOURCE_FIELDS.items()}
    )


def source_change(request: pb.UpdateFundingSourceRequest) -> ChangeSource:
    """Read changes of a source. Raises InvalidArgument for a field that can't be changed."""
    message = request.funding_source
    ids = names.parse(SOURCE_NAME, message.name, "funding_source.name")
    paths = list(request.update_mask.paths) or list(_CARD_FIELDS)
    for path in paths:
        if path not in _SOURCE_FIELDS:
            known = ", ".join(_SOURCE_FIELDS)
            raise InvalidArgument.field("update_mask", f"{path[:60]!r} can't be changed; name some of {known}.")
    changes = {_SOURCE_FIELDS[path]: getattr(message, path) for path in paths}
    return ChangeSource(AccountRef(ids["e"], ids["b"], ids["a"]), ids["f"], changes)


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
        active=one.is_active,
        recurring=one.is_recurring,
        responsibility_percent=one.responsibility_percent,
        on_account=one.is_on_account,
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
        credit=money_to_proto(Money(view.credit_minor, view.currency)),
    )


def balance(one: Balance) -> pb.AccountBalance:
    """Write what an account owes."""
    return pb.AccountBalance(
        account=one.ref.name,
        balance=money_to_proto(Money(one.balance_minor, one.currency)),
        past_due_balance=money_to_proto(Money(one.past_due_minor, one.currency)),
        attempt_in_flight=one.attempt_in_flight,
    )
