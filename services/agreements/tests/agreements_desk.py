"""Billing stands in over real gRPC, so that the Agreement Writer can sell."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from agreements_catalogue import PART, TAX, Catalogue
from agreements_club import Club, day, record
from boss.agreements.v1 import agreement_writer_service_pb2 as pb
from boss.agreements.v1.agreement_writer_service_pb2_grpc import AgreementWriterServiceStub
from boss.billing.v1 import account_service_pb2 as account_pb
from boss.billing.v1 import account_service_pb2_grpc as account_grpc
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import payment_service_pb2_grpc as payment_grpc

from boss_agreements.adapters.agreement_press import AgreementPress
from boss_agreements.clients import BillingDesk
from boss_agreements.drafts.process import Sales
from boss_kit.errors import BossError, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto, money_to_proto
from boss_kit.unit_of_work import UnitOfWork

START = "2026-01-01"
PRESS = AgreementPress()


class Billing(
    account_grpc.AccountServiceServicer, invoice_grpc.InvoiceServiceServicer, payment_grpc.PaymentServiceServicer
):
    """Answers as billing would, once per request id; `refusal` is raised instead of making an invoice."""

    def __init__(self) -> None:
        self.accounts: dict[str, account_pb.Account] = {}
        self.invoices: dict[str, Any] = {}
        self.payments: dict[str, Any] = {}
        self.refusal: BossError | None = None

    def add_to(self, server: Any) -> None:
        """Serve it."""
        account_grpc.add_AccountServiceServicer_to_server(self, server)
        invoice_grpc.add_InvoiceServiceServicer_to_server(self, server)
        payment_grpc.add_PaymentServiceServicer_to_server(self, server)

    def open_account(self, name: str) -> str:
        """Give an account a card; give the funding source's name."""
        source = account_pb.FundingSource(name=f"{name}/fundingSources/{uuid4()}", valid=True, active=True)
        self.accounts[name] = account_pb.Account(name=name, funding_sources=[source])
        return str(source.name)

    def GetAccount(self, request: Any, context: Any) -> Any:
        if request.name not in self.accounts:
            raise NotFound("ACCOUNT_NOT_FOUND", "There is no such account.")
        return self.accounts[request.name]

    def CreateAccount(self, request: Any, context: Any) -> Any:
        name = f"{request.parent}/accounts/{request.account_id}"
        return self.accounts.setdefault(name, account_pb.Account(name=name, number=request.account.number))

    def CreateInvoice(self, request: Any, context: Any) -> Any:
        if self.refusal is not None:
            raise self.refusal
        amounts = [money_from_proto(one.amount) + money_from_proto(one.tax) for one in request.lines]
        total = money_to_proto(Money(sum(one.amount_minor for one in amounts), amounts[0].currency))
        self.invoices.setdefault(request.request_id, request)
        name = f"{request.parent}/invoices/{request.request_id}"
        return invoice_pb.Invoice(name=name, total=total, balance=total)

    def ListInvoices(self, request: Any, context: Any) -> Any:
        found = [one for one in self.invoices.values() if one.agreement == request.agreement]
        return invoice_pb.ListInvoicesResponse(invoices=[invoice_pb.Invoice(name=one.request_id) for one in found])

    def CreatePayment(self, request: Any, context: Any) -> Any:
        self.payments.setdefault(request.request_id, request)
        return payment_pb.Payment(name=f"{request.parent}/payments/{request.request_id}")


class Stubs:
    """Channels to the one server there is."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def to(self, service: str) -> Any:
        return self._server.stub(lambda channel: channel)


def sales_at(units: UnitOfWork, server: Any) -> Sales:
    """Sell with a billing that is served."""
    return Sales(units, BillingDesk(Stubs(server)))  # type: ignore[arg-type]


@dataclass
class Writer:
    """The Agreement Writer's calls, a catalogue to sell from and a billing that takes."""

    club: Club
    billing: Billing
    sales: Sales
    catalogue: Catalogue = field(init=False)
    parts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.club)
        self.stub = self.club.server.stub(AgreementWriterServiceStub)

    def add_member(self, external_id: str) -> str:
        """Add somebody who has no agreement; give the name."""
        self.club.import_records(record(1, external_id=external_id))
        agreement_id = self.club.agreement_name(external_id).rpartition("/")[2]
        with self.club.units.engine.begin() as connection:
            for table, column in (("agreement_line", "agreement_id"), ("agreement", "id")):
                connection.execute(sa.text(f"DELETE FROM {table} WHERE {column} = '{agreement_id}'"))
        return self.club.member_name(external_id)

    def offer(self, **values: Any) -> Any:
        """Apply a Membership: the bundle Gold at $35 with a tax, and an enrolment fee of $49 on the side."""
        self.catalogue.create(TAX(display_name="State sales tax", percent="8.25"))
        access = self.catalogue.item("Gym access", taxes=["State sales tax"], term_months=12)
        fee = self.catalogue.item("Enrolment fee", kind="fee", price=_usd(4900), category="Fees")
        self.parts = {"access": access, "bundle": self.catalogue.bundle(access), "fee": fee}
        definition = self.catalogue.definition(
            PART(bundle=self.parts["bundle"].name, required="Select One"),
            PART(item=fee.name, required="Optional"),
            **{"owner_qualifies_as_member": True} | values,
        )
        self.catalogue.apply(definition)
        self.parts["definition"] = definition
        return definition

    def draft(self, **values: Any) -> Any:
        """Begin a draft for M1: Gold and the enrolment fee, paid in cash, by card from then on."""
        owner = values.pop("owner", self.club.member_name())
        usual = {
            "definition": self.parts["definition"].name,
            "owner": owner,
            "lines": [pb.DraftLine(bundle=self.parts["bundle"].name), pb.DraftLine(item=self.parts["fee"].name)],
            "start_date": day(START),
            "sales_advisors": ["Ben Ito"],
            "tender": "CASH",
        }
        if "funding_source" not in values:
            account = f"{self.club.unit}/accounts/{self.club.account_id()}"
            usual |= {"account": account, "funding_source": self.source(account)}
        request = pb.CreateDraftRequest(
            parent=self.club.unit, draft=pb.Draft(**usual | values), request_id=str(uuid4())
        )
        return self.stub.CreateDraft(request)

    def source(self, account: str) -> str:
        """Give the card of an account."""
        if account not in self.billing.accounts:
            return self.billing.open_account(account)
        return str(self.billing.accounts[account].funding_sources[0].name)

    def finalize(self, draft: Any, request_id: str = "", stub: Any = None) -> Any:
        """Sell a draft."""
        request = pb.FinalizeDraftRequest(name=draft.name, request_id=request_id or str(uuid4()))
        return (stub or self.stub).FinalizeDraft(request)

    def quote(self, draft: Any) -> Any:
        """Price a draft."""
        return self.stub.QuoteDraft(pb.QuoteDraftRequest(name=draft.name))

    def get(self, draft: Any) -> Any:
        """Read a draft."""
        return self.stub.GetDraft(pb.GetDraftRequest(name=draft.name))


def _usd(cents: int) -> Any:
    return money_to_proto(Money(cents, "USD"))
