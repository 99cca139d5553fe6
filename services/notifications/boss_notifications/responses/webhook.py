"""The webhook's body: the same report as JSON (`POST /webhooks/provider`, Standard Webhooks)."""

from dataclasses import replace

from boss.notifications.v1 import provider_callback_service_pb2 as pb
from google.protobuf import json_format

from boss_kit.errors import InvalidArgument
from boss_kit.names import parse
from boss_kit.rpc.content import check_record, refuse
from boss_kit.unit_of_work import Transaction
from boss_notifications.responses import commands
from boss_notifications.responses.convert import responses_of

PATH = "/webhooks/provider"


def take_webhook(tx: Transaction, body: bytes) -> None:
    """Take a signed report. Raises InvalidArgument for a body that is none."""
    request = pb.ReportResponsesRequest()
    try:
        json_format.Parse(body, request, ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument("INVALID_BODY", f"The body is no report: {str(error)[:200]}") from None
    refuse(check_record(request))
    enterprise_id = parse("enterprises/{e}", request.parent, "parent")["e"]
    commands.report(tx.for_context(replace(tx.context, enterprise_id=enterprise_id)), responses_of(request))
