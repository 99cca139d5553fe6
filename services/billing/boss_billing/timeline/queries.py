"""What billing knows of an account's story, as sentences."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.accounts.rules import AccountRef
from boss_kit.money import Money
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_MINE = "enterprise_id = :enterprise_id AND business_unit_id = :unit_id AND account_id = :account_id"
_PAYMENT_MINE = " AND ".join(f"payment.{condition}" for condition in _MINE.split(" AND "))


class Rank(IntEnum):
    """What comes before what where the clock says the same of both: a payment's story in its own order."""

    SOURCE = 0
    INVOICE = 1
    PAYMENT = 2
    RESULT = 3
    SOURCE_DECLINED = 4
    CARD_UPDATER = 5
    SOURCE_RENEWED = 6
    RETRY = 7
    RETRY_RESULT = 8
    DESK = 9
    MOVEMENT = 10


_STORY = sa.text(
    f"""
    SELECT * FROM (
        SELECT {Rank.INVOICE} AS rank, id, invoice_date AS day, create_time, 'invoice' AS kind, correlation,
            json_build_object('of', kind, 'number', number, 'amount', total_minor, 'currency', currency,
            'due', due_date) AS told
        FROM invoice WHERE {_MINE}
        UNION ALL
        SELECT CASE reason WHEN 'declined' THEN {Rank.SOURCE_DECLINED} WHEN 'card_updater' THEN {Rank.SOURCE_RENEWED}
            ELSE {Rank.SOURCE} END, id, business_date, create_time, 'funding source', correlation, json_build_object(
            'reason', reason, 'tender', tender, 'before', previous_last4, 'last4', last4, 'source', funding_source_id)
        FROM funding_source_change WHERE {_MINE}
        UNION ALL
        SELECT CASE attempt.label WHEN 'Retry' THEN {Rank.RETRY} ELSE {Rank.PAYMENT} END,
            attempt.id, attempt.business_date, attempt.create_time, 'payment', attempt.correlation,
            json_build_object('amount', attempt.amount_minor, 'currency', attempt.currency, 'tender', attempt.tender,
            'label', attempt.label, 'kind', payment.kind, 'payment', payment.id, 'invoice', invoice.number,
            'batch', batch.number)
        FROM attempt
        JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
        JOIN invoice ON invoice.enterprise_id = attempt.enterprise_id AND invoice.id = attempt.invoice_id
        LEFT JOIN batch ON batch.enterprise_id = attempt.enterprise_id AND batch.id = attempt.batch_id
        WHERE {_PAYMENT_MINE}
        UNION ALL
        SELECT CASE attempt.label WHEN 'Retry' THEN {Rank.RETRY_RESULT} ELSE {Rank.RESULT} END,
            attempt.id, attempt.result_date, attempt.result_time, 'result', attempt.correlation,
            json_build_object('amount', attempt.amount_minor, 'currency', attempt.currency, 'state', attempt.state,
            'code', attempt.response_code, 'message', attempt.response_message, 'label', attempt.label,
            'payment', attempt.payment_id)
        FROM attempt
        JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
        WHERE {_PAYMENT_MINE} AND attempt.result_date IS NOT NULL
        UNION ALL
        SELECT {Rank.CARD_UPDATER}, id, answer_date, create_time, 'card updater', correlation, json_build_object(
            'outcome', outcome, 'source', funding_source_id)
        FROM card_inquiry WHERE {_MINE} AND answer_date IS NOT NULL
            AND (payment_id IS NOT NULL OR outcome NOT IN ('no change', 'no answer'))
        UNION ALL
        SELECT {Rank.DESK}, id, payment_date, create_time, 'desk', correlation, json_build_object(
            'amount', amount_minor, 'currency', currency, 'tender', tender)
        FROM payment WHERE {_MINE} AND kind = 'Point of Sale'
        UNION ALL
        SELECT {Rank.MOVEMENT}, id, business_date, create_time, 'movement', correlation, json_build_object(
            'of', kind, 'amount', amount_minor, 'currency', currency, 'reason', reason, 'approver', approved_by)
        FROM movement WHERE {_MINE}
    ) AS story
    WHERE CAST(:day AS date) IS NULL
        OR (day, create_time, rank, id)
            > (CAST(:day AS date), CAST(:time AS timestamptz), CAST(:rank AS integer), CAST(:id AS uuid))
    ORDER BY day, create_time, rank, id
    LIMIT :limit
    """
)
_DESK = {"CASH": "in cash", "CHECK": "by check", "CARD": "by card"}
_SOURCE_TOLD = {"created": "was added", "declined": "became invalid by declines"}
_MOVED = {
    "return": "{} of sold items came back",
    "refund": "{} goes back to the member",
    "credit": "A credit of {} was given",
    "debit": "A debit of {} was charged",
    "write-off": "{} was written off",
    "write-off reversal": "A write-off of {} was taken back",
    "waiver": "{} of a fee was waived",
    "chargeback": "{} of a payment was charged back",
    "bank return": "{} of a payment was returned by the bank",
    "reversal": "{} that had been taken back was paid again",
}


@dataclass(frozen=True)
class Entry:
    """One line of the story."""

    business_date: date
    create_time: datetime
    rank: int
    id: UUID
    kind: str
    text: str
    subject: str
    correlation: str


def list_entries(tx: Transaction, account: AccountRef, page: Page) -> tuple[Sequence[Entry], str]:
    """List an account's story, oldest first; give the next page's token, too."""
    day, time, rank, entry_id = page.after or (None, None, None, None)
    of = {"enterprise_id": account.enterprise_id, "unit_id": account.business_unit_id, "account_id": account.id}
    place = {"day": day, "time": time, "rank": rank, "id": entry_id, "limit": page.limit}
    rows = tx.connection.execute(_STORY, {**of, **place}).all()
    entries = [_entry(account, row) for row in rows]
    return page.cut(entries, lambda entry: (entry.business_date, entry.create_time, entry.rank, entry.id))


def _entry(account: AccountRef, row: "sa.Row[Any]") -> Entry:
    text, subject, kind = _TELLERS[row.kind](row.told)
    place = subject.format(id=row.id, **{key: row.told.get(key) for key in ("payment", "source")})
    return Entry(row.day, row.create_time, row.rank, row.id, kind, text, f"{account.name}/{place}", row.correlation)


def _invoice(told: Mapping[str, Any]) -> tuple[str, str, str]:
    amount = _amount(told)
    if told["of"] == "opening balance":
        text = f"Invoice {told['number']} of {amount} was taken over as opening balance, owed since {told['due']}."
    else:
        text = f"Invoice {told['number']} of {amount} was made, due on {told['due']}."
    return text, "invoices/{id}", "invoice"


def _source(told: Mapping[str, Any]) -> tuple[str, str, str]:
    card = f"{told['tender']} ending in {told['last4']}"
    by = {"card_updater": "the card updater", "staff": "staff"}.get(told["reason"])
    text = f"Funding source {card} {_SOURCE_TOLD.get(told['reason'], 'was imported')}."
    if by is not None:
        before = f" It ended in {told['before']} before." if told["before"] != told["last4"] else ""
        text = f"Funding source {card} was renewed by {by}.{before}"
    return text, "fundingSources/{source}", "funding source"


def _submission(told: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = "Retry" if told["label"] == "Retry" else told["kind"]
    batch = f", batch {told['batch']}" if told["batch"] else ""
    text = f"Payment of {_amount(told)} for invoice {told['invoice']} was made, {told['tender']} ({kind}{batch})."
    return text, "payments/{payment}", "payment"


def _result(told: Mapping[str, Any]) -> tuple[str, str, str]:
    said = " ".join(part for part in (told["code"], told["message"]) if part)
    verbs = {"approved": "was approved", "declined": "was declined", "not_attempted": "wasn't attempted and stays open"}
    what = "Retry of the payment" if told["label"] == "Retry" else "Payment"
    return f"{what} of {_amount(told)} {verbs[told['state']]}: {said}.", "payments/{payment}", "payment"


def _inquiry(told: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"The card updater answered: {told['outcome']}.", "fundingSources/{source}", "card updater"


def _desk(told: Mapping[str, Any]) -> tuple[str, str, str]:
    return f"{_amount(told)} was paid at the desk {_DESK[told['tender']]}.", "payments/{id}", "payment"


def _movement(told: Mapping[str, Any]) -> tuple[str, str, str]:
    approved = f" Approved by {told['approver']}." if told["approver"] else ""
    because = f": {told['reason']}" if told["reason"] else ""
    return f"{_MOVED[told['of']].format(_amount(told))}{because}.{approved}", "movements/{id}", "movement"


_TELLERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str, str]]] = {
    "invoice": _invoice,
    "funding source": _source,
    "payment": _submission,
    "result": _result,
    "card updater": _inquiry,
    "desk": _desk,
    "movement": _movement,
}


def _amount(told: Mapping[str, Any]) -> Money:
    return Money(told["amount"], told["currency"])
