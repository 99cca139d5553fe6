"""AccountService: convert, call, convert."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import grpc
from boss.billing.v1 import account_service_pb2 as pb
from boss.billing.v1 import account_service_pb2_grpc

from boss_billing.accounts import commands, convert, queries
from boss_billing.accounts.imports import Import
from boss_billing.funding import changes as funding
from boss_billing.units.rules import ENTERPRISE_NAME, UNIT_NAME
from boss_kit import names
from boss_kit.cards import field_holds_card_number
from boss_kit.errors import InvalidArgument
from boss_kit.paging import open_page
from boss_kit.rpc.content import check_record
from boss_kit.rpc.door import Door
from boss_kit.rpc.methods import per_record_validation

RECORDS_PER_MESSAGE_MAX = 500


def scope(parent: str) -> tuple[UUID, UUID | None]:
    """Read an enterprise or a business unit. Raises InvalidArgument."""
    if "/businessUnits/" in parent:
        ids = names.parse(UNIT_NAME, parent, "parent")
        return ids["e"], ids["b"]
    return names.parse(ENTERPRISE_NAME, parent, "parent")["e"], None


class AccountServicer(account_service_pb2_grpc.AccountServiceServicer):
    """The money side of members."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetAccount(self, request: pb.GetAccountRequest, context: grpc.ServicerContext) -> pb.Account:
        """Read an account."""
        ref = convert.account_ref(request.name)
        return self._door.query(request, lambda tx: convert.account(queries.get_account(tx, ref)))

    def ListAccounts(self, request: pb.ListAccountsRequest, context: grpc.ServicerContext) -> pb.ListAccountsResponse:
        """List accounts by number."""
        enterprise_id, unit_id = scope(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent, request.number))

        def answer(tx: Any) -> pb.ListAccountsResponse:
            found, token = queries.list_accounts(tx, enterprise_id, unit_id, request.number, page)
            return pb.ListAccountsResponse(accounts=[convert.account(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)

    def BatchGetBalances(
        self, request: pb.BatchGetBalancesRequest, context: grpc.ServicerContext
    ) -> pb.BatchGetBalancesResponse:
        """Read balances in bulk."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        refs = [convert.account_ref(name, f"accounts[{index}]") for index, name in enumerate(request.accounts)]

        def answer(tx: Any) -> pb.BatchGetBalancesResponse:
            found = queries.balances(tx, enterprise_id, refs)
            return pb.BatchGetBalancesResponse(balances=[convert.balance(one) for one in found])

        return self._door.query(request, answer)

    @per_record_validation
    def ImportAccounts(
        self, requests: Iterator[pb.ImportAccountsRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ImportAccountsResponse]:
        """Import accounts, a transaction per message."""
        imported: Import | None = None
        first: pb.ImportAccountsRequest | None = None
        for request in requests:
            if imported is None or first is None:
                enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
                imported, first = Import(enterprise_id, validate_only=request.validate_only), request
            _check_message(first, request)
            yield self._take(imported, request)

    def CreateAccount(self, request: pb.CreateAccountRequest, context: grpc.ServicerContext) -> pb.Account:
        """Make an account."""
        command = convert.new_account(request)

        def answer(tx: Any) -> pb.Account:
            commands.create_account(tx, command)
            return convert.account(queries.get_account(tx, command.ref))

        return self._door.command(request, answer)

    def CreateFundingSource(
        self, request: pb.CreateFundingSourceRequest, context: grpc.ServicerContext
    ) -> pb.FundingSource:
        """Add a source."""
        command = convert.new_source(request)
        return self._door.command(request, lambda tx: convert.funding_source(funding.add_source(tx, command)))

    def UpdateFundingSource(
        self, request: pb.UpdateFundingSourceRequest, context: grpc.ServicerContext
    ) -> pb.FundingSource:
        """Change card data, flags and responsibility."""
        command = convert.source_change(request)
        return self._door.command(request, lambda tx: convert.funding_source(funding.change_source(tx, command)))

    def _take(self, imported: Import, request: pb.ImportAccountsRequest) -> pb.ImportAccountsResponse:
        records = [convert.record(message) for message in request.records]
        refused = {}
        for position, message in enumerate(request.records):
            if reason := _refusal(message):
                refused[position] = reason
        return self._door.record(
            lambda tx: pb.ImportAccountsResponse(
                results=[convert.result(one) for one in imported.take(tx, records, refused)]
            )
        )


def _check_message(first: pb.ImportAccountsRequest, request: pb.ImportAccountsRequest) -> None:
    if (request.parent, request.validate_only) != (first.parent, first.validate_only):
        raise InvalidArgument.field("parent", "must be the same in every message of a stream, as must validate_only.")
    if len(request.records) > RECORDS_PER_MESSAGE_MAX:
        raise InvalidArgument.field(
            "records", f"holds {len(request.records)}; send at most {RECORDS_PER_MESSAGE_MAX} a message."
        )


def _refusal(message: pb.AccountRecord) -> tuple[str, str] | None:
    """Say what no record may hold; a card number as token has its own sentence in the record's rules."""
    if field_holds_card_number("token", message.token):
        return None
    for violation in check_record(message):
        return violation.field, f"{violation.field}: {violation.description}"
    return None
