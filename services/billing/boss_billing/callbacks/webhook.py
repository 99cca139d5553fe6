"""The HTTP door of processors: a signed body with the same messages as the gRPC door, as JSON (SPEC BIL-8)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from boss.billing.v1 import processor_callback_service_pb2 as pb
from google.protobuf import json_format

from boss_billing.callbacks import commands, convert
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.context import Context
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.content import check_rules, check_texts, refuse, texts_of
from boss_kit.unit_of_work import Transaction
from boss_kit.web import Webhook

PATH = "/webhooks/processor"
PAYMENT_RESULTS = "payment.results"
ACCOUNT_UPDATES = "account.updates"
BODY_BYTES_MAX = 1024 * 1024
_MESSAGES = {PAYMENT_RESULTS: pb.ReportPaymentResultsRequest, ACCOUNT_UPDATES: pb.ReportAccountUpdatesRequest}


def processor_webhook(secrets: Sequence[str]) -> Webhook:
    """Make the route for signed bodies: `{"type": "payment.results" or "account.updates", "data": {...}}`."""
    return Webhook(PATH, secrets, take, BODY_BYTES_MAX)


def take(tx: Transaction, body: bytes) -> None:
    """Keep and apply what a body says, once per id. Raises InvalidArgument for a body that can't be read."""
    kind, request = _read(body)
    enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
    context: Context = replace(tx.context, enterprise_id=enterprise_id)
    mine = tx.for_context(context)
    if kind == PAYMENT_RESULTS:
        results = [convert.result(message) for message in request.results]
        commands.keep_results(mine, results)
        commands.apply_results(mine, [one.callback_id for one in results])
    else:
        updates = [convert.update(message) for message in request.updates]
        commands.keep_updates(mine, updates)
        commands.apply_updates(mine, [one.callback_id for one in updates])


def _read(body: bytes) -> tuple[str, Any]:
    try:
        content = json.loads(body)
        kind, data = content["type"], content["data"]
        request = json_format.ParseDict(data, _MESSAGES[kind](), ignore_unknown_fields=True)
    except (ValueError, KeyError, TypeError, RecursionError, json_format.ParseError):
        known = " or ".join(_MESSAGES)
        raise InvalidArgument(
            "UNREADABLE_BODY", f"The body must be JSON with `type` {known} and the message as `data`."
        ) from None
    refuse(check_texts(list(texts_of(request))) or check_rules(request))
    return kind, request
