"""A shop to quote and sell in: agreements and billing as processes, a catalogue, members with cards, drafts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from boss.agreements.v1 import agreement_writer_service_pb2 as pb
from boss.agreements.v1 import (
    agreement_writer_service_pb2_grpc,
    bundle_service_pb2,
    bundle_service_pb2_grpc,
    definition_service_pb2,
    definition_service_pb2_grpc,
    item_service_pb2,
    item_service_pb2_grpc,
    member_service_pb2,
    member_service_pb2_grpc,
    organization_service_pb2,
    organization_service_pb2_grpc,
    tax_service_pb2,
    tax_service_pb2_grpc,
    template_service_pb2,
    template_service_pb2_grpc,
)
from boss.billing.v1 import account_service_pb2, account_service_pb2_grpc
from google.type import date_pb2, money_pb2

from boss_bench._import_load import ENTERPRISE, free_address, serving
from boss_bench._two_services import SERVICES, import_club, make_channel, make_clubs, make_database, peak_rss_mb_of
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.rpc.client import BossChannel
from boss_kit.testing.tokens import TokenMaker


@dataclass(frozen=True)
class Shop:
    """A served club with something to sell."""

    writer: Any
    organizations: Any
    unit: str
    drafts: Sequence[str]
    processes: Sequence[int]

    @property
    def peak_rss_mb(self) -> float:
        """Tell how much memory the bigger of the two servers ever held."""
        return max(peak_rss_mb_of(process) for process in self.processes)

    def quote(self, draft: str) -> None:
        """Price a draft."""
        found = self.writer.QuoteDraft(pb.QuoteDraftRequest(name=draft))
        if found.problems or len(found.bill_dates) != 6:
            raise AssertionError(f"the draft can't be sold: {found.problems}")

    def sign(self, draft: str) -> None:
        """Sign a draft: a call that commits a row."""
        request = pb.SignDraftRequest(name=draft, signature="electronic", request_id=str(uuid4()))
        self.writer.SignDraft(request)

    def sell(self, draft: str) -> None:
        """Finalize a draft."""
        sold = self.writer.FinalizeDraft(pb.FinalizeDraftRequest(name=draft, request_id=str(uuid4())))
        if not (sold.agreement_number and sold.invoice and sold.payment):
            raise AssertionError("the sale gave no number, invoice or payment")

    def read_unit(self, _draft: str) -> None:
        """Read one row: what a call costs by itself."""
        self.organizations.GetBusinessUnit(organization_service_pb2.GetBusinessUnitRequest(name=self.unit))


@contextmanager
def open_shop(drafts: int) -> Iterator[Shop]:
    """Serve agreements and billing, import members with cards, and begin a draft for each."""
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        urls = {service: make_database(node, service) for service in SERVICES}
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in SERVICES}
        processes = [stack.enter_context(serving(service, urls[service], keys, addresses)) for service in SERVICES]
        channels = {service: make_channel(stack, service, addresses[service], keys) for service in SERVICES}
        make_clubs(channels["agreements"], urls)
        import_club(channels, 1, drafts)
        yield _furnished(channels["agreements"], channels["billing"], drafts, processes)


def _furnished(agreements: BossChannel, billing: BossChannel, drafts: int, processes: Sequence[int]) -> Shop:
    members_stub = member_service_pb2_grpc.MemberServiceStub(agreements)
    listed = members_stub.ListMembers(member_service_pb2.ListMembersRequest(parent=ENTERPRISE, page_size=drafts))
    writer = agreement_writer_service_pb2_grpc.AgreementWriterServiceStub(agreements)
    accounts = account_service_pb2_grpc.AccountServiceStub(billing)
    sold = _catalogue(agreements)
    units = sorted({member.name.partition("/members/")[0] for member in listed.members})
    for unit in units:
        _apply(agreements, unit, *sold[:2])
    made = [_draft(writer, accounts, member, *sold[:1], *sold[2:]) for member in listed.members]
    organizations = organization_service_pb2_grpc.OrganizationServiceStub(agreements)
    return Shop(writer, organizations, units[0], made, processes)


def _catalogue(agreements: BossChannel) -> tuple[str, str, str, str]:
    """Make what is sold; give the names of its definition, template, bundle and enrolment fee."""
    create = _creator(agreements)
    tax = create(tax_service_pb2, tax_service_pb2_grpc, "Tax", display_name="Sales tax", percent="8.25")
    access = create(item_service_pb2, item_service_pb2_grpc, "Item", **_item("Club access", 39, [tax.display_name]))
    towels = create(item_service_pb2, item_service_pb2_grpc, "Item", **_item("Towels", 5, [], kind="service"))
    fee = create(item_service_pb2, item_service_pb2_grpc, "Item", **_item("Enrolment fee", 59, [], kind="fee"))
    line = bundle_service_pb2.BundleLine
    lines = [line(item=access.name, is_key_item=True), line(item=towels.name)]
    bundle = create(bundle_service_pb2, bundle_service_pb2_grpc, "Bundle", display_name="Gold", lines=lines)
    part = definition_service_pb2.DefinitionPart
    definition = create(
        definition_service_pb2,
        definition_service_pb2_grpc,
        "Definition",
        display_name="Gold Monthly",
        agreement_type="Membership",
        start_date=date_pb2.Date(year=2020, month=1, day=1),
        owner_qualifies_as_member=True,
        parts=[part(bundle=bundle.name, required="Select One"), part(item=fee.name, required="Optional")],
    )
    template = create(
        template_service_pb2,
        template_service_pb2_grpc,
        "Template",
        display_name="Usual",
        title="Membership agreement",
        body="{{ member_name }} agrees.",
    )
    return definition.name, template.name, bundle.name, fee.name


def _creator(agreements: BossChannel) -> Callable[..., Any]:
    def create(messages: Any, stubs: Any, noun: str, **values: Any) -> Any:
        stub = getattr(stubs, f"{noun}ServiceStub")(agreements)
        request = getattr(messages, f"Create{noun}Request")(
            parent=ENTERPRISE, request_id=str(uuid4()), **{noun.lower(): getattr(messages, noun)(**values)}
        )
        return getattr(stub, f"Create{noun}")(request)

    return create


def _item(name: str, dollars: int, taxes: Sequence[str], kind: str = "access") -> dict[str, Any]:
    price = money_pb2.Money(currency_code="USD", units=dollars)
    return {"display_name": name, "price": price, "taxes": taxes, "kind": kind, "category": "Dues"}


def _apply(agreements: BossChannel, unit: str, definition: str, template: str) -> None:
    application = definition_service_pb2.Application(
        definition=definition,
        business_unit=unit,
        template=template,
        start_date=date_pb2.Date(year=2020, month=1, day=1),
    )
    definition_service_pb2_grpc.DefinitionServiceStub(agreements).ApplyDefinition(
        definition_service_pb2.ApplyDefinitionRequest(application=application, request_id=str(uuid4()))
    )


def _draft(writer: Any, accounts: Any, member: Any, definition: str, bundle: str, fee: str) -> str:
    account = accounts.GetAccount(account_service_pb2.GetAccountRequest(name=member.account))
    today = datetime.now(UTC).date()
    draft = pb.Draft(
        definition=definition,
        owner=member.name,
        account=member.account,
        lines=[pb.DraftLine(bundle=bundle), pb.DraftLine(item=fee)],
        start_date=date_pb2.Date(year=today.year + 1, month=1, day=31),
        funding_source=account.funding_sources[0].name,
        sales_advisors=["Sam Advisor"],
        tender="CARD",
    )
    parent = member.name.partition("/members/")[0]
    made = writer.CreateDraft(pb.CreateDraftRequest(parent=parent, draft=draft, request_id=str(uuid4())))
    return str(made.name)
