"""The HTTP door of processors: a signed body with the same messages as the gRPC door, as JSON (SPEC BIL-8)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from boss.billing.v1 import processor_callback_service_pb2 as pb
from google.protobuf import json_format

from boss_billing.callbacks import commands, convert, process, refunds, returns, updates
from boss_billing.callbacks.rules import CallbackKind
from boss_billing.units.queries import require_enterprise
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.commit_group import CommitGroup, in_groups
from boss_kit.context import Context
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.content import check_rules, check_texts, refuse, texts_of
from boss_kit.unit_of_work import Transaction, UnitOfWork
from boss_kit.web import Webhook

PATH = "/webhooks/processor"
BODY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True)
class _Type:
    """A type of body: the kind of callback, the request it holds, and how to read and keep what it reports."""

    kind: CallbackKind
    message: Callable[[], Any]
    read: Callable[[Any], Sequence[Any]]
    keep: Callable[[Transaction, Sequence[Any]], object]


TYPES: Mapping[str, _Type] = {
    "payment.results": _Type(
        CallbackKind.PAYMENT_RESULT, pb.ReportPaymentResultsRequest, convert.results, commands.keep_results
    ),
    "account.updates": _Type(
        CallbackKind.ACCOUNT_UPDATE, pb.ReportAccountUpdatesRequest, convert.updates, updates.keep_updates
    ),
    "refund.results": _Type(
        CallbackKind.REFUND_RESULT, pb.ReportRefundResultsRequest, convert.refund_results, refunds.keep_refund_results
    ),
    "payment.returns": _Type(
        CallbackKind.PAYMENT_RETURN, pb.ReportReturnsRequest, convert.returns, returns.keep_returns
    ),
    "deposits": _Type(CallbackKind.DEPOSIT, pb.ReportDepositsRequest, convert.deposits, commands.keep_deposits),
}


def processor_webhook(secrets: Sequence[str]) -> Webhook:
    """Make the route for signed bodies: `{"type": "payment.results", "data": {...}}` and the other types."""
    return Webhook(PATH, secrets, take, BODY_BYTES_MAX, GoingOn().go_on)


def take(tx: Transaction, body: bytes) -> None:
    """Keep what a body says.

    Raises InvalidArgument for a body that can't be read, NotFound for an enterprise nobody could find it under.
    """
    found, request = _read(body)
    require_enterprise(tx, _enterprise_of(request))
    found.keep(tx.for_context(_context(tx.context, request)), found.read(request))


@dataclass(frozen=True)
class Taken:
    """What was kept of a body and is to be applied."""

    units: UnitOfWork
    context: Context
    kind: CallbackKind
    callback_ids: Sequence[str]


class GoingOn:
    """Applies what was kept; of webhooks that come at the same time together."""

    def __init__(self) -> None:
        self._group = CommitGroup(self.apply)

    def go_on(self, units: UnitOfWork, context: Context, body: bytes) -> None:
        """Apply what was kept of a body."""
        found, request = _read(body)
        ids = [one.callback_id for one in found.read(request)]
        self._group.submit(Taken(units, _context(context, request), found.kind, ids))

    @staticmethod
    def apply(taken: Sequence[Taken]) -> Sequence[None]:
        """Apply what was kept of several bodies: a transaction for each enterprise and kind."""
        for places in in_groups(taken, lambda one: (one.context.enterprise_id, one.kind)):
            same = [taken[place] for place in places]
            ids = dict.fromkeys(one for of in same for one in of.callback_ids)
            with same[0].units.begin(same[0].context) as tx:
                process.apply(tx, same[0].kind, list(ids))
        return [None] * len(taken)


def _context(context: Context, request: Any) -> Context:
    return replace(context, enterprise_id=_enterprise_of(request))


def _enterprise_of(request: Any) -> UUID:
    return names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]


def _read(body: bytes) -> tuple[_Type, Any]:
    try:
        content = json.loads(body)
        found = TYPES[content["type"]]
        request = json_format.ParseDict(content["data"], found.message(), ignore_unknown_fields=True)
    except (ValueError, KeyError, TypeError, RecursionError, SystemError, json_format.ParseError):
        # A SystemError is how protobuf takes half of a surrogate pair where a message or a number belongs.
        known = ", ".join(TYPES)
        raise InvalidArgument(
            "UNREADABLE_BODY", f"The body must be JSON with a `type` of {known} and the message as `data`."
        ) from None
    refuse(check_texts(list(texts_of(request))) or check_rules(request))
    return found, request
