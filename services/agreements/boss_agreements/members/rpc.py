"""MemberService."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import grpc
from boss.agreements.v1 import member_service_pb2 as pb
from boss.agreements.v1 import member_service_pb2_grpc as pb_grpc

from boss_agreements.imports.commands import Numbered, Stream, import_records
from boss_agreements.member_statuses.queries import statuses_of
from boss_agreements.members import commands, convert, queries, registration
from boss_agreements.members.commands import ContactName
from boss_agreements.members.rules import Member
from boss_agreements.organization.rpc import parse_parent
from boss_kit import names
from boss_kit.errors import Aborted, InvalidArgument
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.rpc.methods import per_record_validation
from boss_kit.unit_of_work import Transaction

ENTERPRISE = "enterprises/{e}"
MEMBER = "enterprises/{e}/businessUnits/{b}/members/{m}"
CONTACT = "enterprises/{e}/businessUnits/{b}/members/{m}/contacts/{c}"
RECORDS_MAX = 500
ATTEMPTS_MAX = 3


class MemberServicer(pb_grpc.MemberServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_MemberServiceServicer_to_server(self, server)

    def GetMember(self, request: pb.GetMemberRequest, context: grpc.ServicerContext) -> pb.Member:
        """Read a member."""
        ids = names.parse(MEMBER, request.name)
        return self._door.query(request, lambda tx: _shown(tx, queries.get_member(tx, ids["e"], ids["b"], ids["m"])))

    def ListMembers(self, request: pb.ListMembersRequest, context: grpc.ServicerContext) -> pb.ListMembersResponse:
        """List members by external id."""
        enterprise_id, unit_id = parse_parent(request.parent)
        page = open_page(
            request.page_size, request.page_token, filters=("members", request.parent, request.external_id)
        )
        (after,) = page.key(str) or ("",)

        def answer(tx: Transaction) -> pb.ListMembersResponse:
            found = queries.list_members(tx, enterprise_id, unit_id, request.external_id, after, page.limit)
            rows, token = page.cut(found, lambda member: (member.external_id,))
            return pb.ListMembersResponse(members=_all_shown(tx, rows), next_page_token=token)

        return self._door.query(request, answer)

    def SearchMembers(
        self, request: pb.SearchMembersRequest, context: grpc.ServicerContext
    ) -> pb.SearchMembersResponse:
        """List the members of a name, an email and a phone."""
        enterprise_id, unit_id = parse_parent(request.parent)
        wanted = (request.display_name, request.email, request.phone)
        page = open_page(request.page_size, request.page_token, filters=("found members", request.parent, *wanted))
        (after,) = page.key(str) or ("",)

        def answer(tx: Transaction) -> pb.SearchMembersResponse:
            found = queries.search_members(tx, enterprise_id, unit_id, wanted, after, page.limit)
            rows, token = page.cut(found, lambda member: (member.external_id,))
            return pb.SearchMembersResponse(members=_all_shown(tx, rows), next_page_token=token)

        return self._door.query(request, answer)

    def CreateMember(self, request: pb.CreateMemberRequest, context: grpc.ServicerContext) -> pb.Member:
        """Make a member."""
        command = convert.create_member(request)
        return self._door.command(request, lambda tx: _shown(tx, registration.create_member(tx, command)))

    def UpdateMember(self, request: pb.UpdateMemberRequest, context: grpc.ServicerContext) -> pb.Member:
        """Change a member."""
        command = convert.update_member(request)
        return self._door.command(request, lambda tx: _shown(tx, registration.update_member(tx, command)))

    def ChooseArmContact(self, request: pb.ChooseArmContactRequest, context: grpc.ServicerContext) -> pb.Member:
        """Give a contact the ARM purpose by hand."""
        name = _contact(request.name)
        return self._door.command(request, lambda tx: _shown(tx, registration.choose_arm_contact(tx, name)))

    @per_record_validation
    def ImportMembers(
        self, requests: Iterator[pb.ImportMembersRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.ImportMembersResponse]:
        """Import members, message by message."""
        stream = Stream()
        for request in requests:
            enterprise_id = names.parse(ENTERPRISE, request.parent, "parent")["e"]
            if len(request.records) > RECORDS_MAX:
                raise InvalidArgument.field(
                    "records", f"{len(request.records)} in one message; send at most {RECORDS_MAX}.", "TOO_MANY_RECORDS"
                )
            records = [convert.numbered(record) for record in request.records]
            yield self._import(enterprise_id, records, stream, validate_only=request.validate_only)

    def InvalidateContact(self, request: pb.InvalidateContactRequest, context: grpc.ServicerContext) -> pb.Member:
        """Mark a contact invalid."""
        name = _contact(request.name)
        return self._door.command(request, lambda tx: _shown(tx, commands.mark_contact(tx, name, invalid=True)))

    def RevalidateContact(self, request: pb.RevalidateContactRequest, context: grpc.ServicerContext) -> pb.Member:
        """Clear a contact's invalid mark."""
        name = _contact(request.name)
        return self._door.command(request, lambda tx: _shown(tx, commands.mark_contact(tx, name, invalid=False)))

    def _import(
        self, enterprise_id: UUID, records: Sequence[Numbered], stream: Stream, *, validate_only: bool
    ) -> pb.ImportMembersResponse:
        def answer(tx: Transaction) -> pb.ImportMembersResponse:
            results = import_records(tx, enterprise_id, records, stream, validate_only=validate_only)
            return pb.ImportMembersResponse(results=map(convert.result, results))

        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return self._door.record(answer)
            except Aborted:
                # Another import brought one of these at the same time: the next attempt finds it there.
                if attempt == ATTEMPTS_MAX:
                    raise
        raise AssertionError("the loop above returns or raises")


def _shown(tx: Transaction, member: Member) -> pb.Member:
    return _all_shown(tx, [member])[0]


def _all_shown(tx: Transaction, members: Sequence[Member]) -> Sequence[pb.Member]:
    statuses = statuses_of(tx, members)
    return [convert.member(one, statuses[one.id]) for one in members]


def _contact(name: str) -> ContactName:
    ids = names.parse(CONTACT, name)
    return ContactName(ids["e"], ids["b"], ids["m"], ids["c"])
