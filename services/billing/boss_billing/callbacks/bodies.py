"""Callbacks as they are kept, read again. Pure."""

from datetime import date
from typing import Any

from boss_billing.callbacks.rules import (
    DepositCallback,
    RefundCallback,
    ResultCallback,
    ReturnCallback,
    UpdateCallback,
)
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.rules import UpdateOutcome
from boss_kit.money import Money


def read_result(body: dict[str, Any]) -> ResultCallback:
    """Read the result of an attempt."""
    return ResultCallback(**{**body, "amount": _amount(body)})


def read_refund_result(body: dict[str, Any]) -> RefundCallback:
    """Read the result of a refund."""
    return RefundCallback(**{**body, "amount": _amount(body)})


def read_update(body: dict[str, Any]) -> UpdateCallback:
    """Read an answer of the card updater."""
    return UpdateCallback(**{**body, "outcome": UpdateOutcome(body["outcome"]) if body["outcome"] else None})


def read_return(body: dict[str, Any]) -> ReturnCallback:
    """Read a return, a chargeback or its reversal."""
    day = date.fromisoformat(body["return_date"]) if body["return_date"] else None
    return ReturnCallback(**{**body, "kind": ReturnKind(body["kind"]), "amount": _amount(body), "return_date": day})


def read_deposit(body: dict[str, Any]) -> DepositCallback:
    """Read a deposit."""
    return DepositCallback(**{**body, "deposit_date": date.fromisoformat(body["deposit_date"])})


def _amount(body: dict[str, Any]) -> Money | None:
    return Money(**body["amount"]) if body["amount"] else None
