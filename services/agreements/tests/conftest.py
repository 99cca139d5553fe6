"""The service over real PostgreSQL, real gRPC and real event batches."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.agreements.v1 import (
    agreement_service_pb2_grpc,
    due_charge_service_pb2_grpc,
    member_service_pb2_grpc,
    organization_service_pb2_grpc,
)
from boss.agreements.v1 import organization_service_pb2 as organization_pb
from boss.platform.v1 import timeline_service_pb2_grpc

from boss_agreements.activities.rpc import ActivityServicer
from boss_agreements.agreement_rules.rpc import AgreementRulesServicer
from boss_agreements.agreements.rpc import AgreementServicer
from boss_agreements.app import SERVICE
from boss_agreements.batch_cancels.rpc import BatchCancelServicer
from boss_agreements.bundles.rpc import BundleServicer
from boss_agreements.cancellations.rpc import CancellationServicer
from boss_agreements.classifications.rpc import ClassificationServicer
from boss_agreements.clients import BillingInvoices
from boss_agreements.definitions.rpc import DefinitionServicer
from boss_agreements.divisions.rpc import DivisionServicer
from boss_agreements.documents.rpc import DocumentServicer
from boss_agreements.drafts.rpc import AgreementWriterServicer
from boss_agreements.due_charges.rpc import DueChargeServicer
from boss_agreements.events import encode
from boss_agreements.groups.rpc import AgreementGroupServicer
from boss_agreements.history.rpc import HistoryServicer
from boss_agreements.inherited_settings.rpc import SettingServicer
from boss_agreements.items.rpc import ItemServicer
from boss_agreements.locations.rpc import LocationServicer
from boss_agreements.members.rpc import MemberServicer
from boss_agreements.organization.rpc import OrganizationServicer
from boss_agreements.promotions.rpc import PromotionServicer
from boss_agreements.reasons.rpc import ReasonServicer
from boss_agreements.request_reasons.rpc import RequestReasonServicer
from boss_agreements.rewrites.rpc import RewriteServicer
from boss_agreements.suspensions.rpc import SuspensionServicer
from boss_agreements.taxes.rpc import TaxServicer
from boss_agreements.templates.rpc import TemplateServicer
from boss_agreements.timeline.rpc import TimelineServicer
from boss_agreements.work_roles.rpc import WorkRoleServicer
from boss_agreements.workstations.rpc import WorkstationServicer
from boss_kit.database import open_database
from boss_kit.migrate import upgrade
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import UnitOfWork

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from agreements_club import CLUB, ENTERPRISE_ID, FIRST_DAY, Club, add_unit
from agreements_desk import PRESS, Billing, Stubs, Writer, sales_at


@pytest.fixture(scope="session")
def engine(postgres_server: Any) -> Iterator[sa.Engine]:
    """Give a pool on a database with the service's schema, one for all tests."""

    def make(url: str) -> None:
        own = open_database(url, pool_size=1)
        upgrade(own, SERVICE.migrations)
        own.dispose()

    with postgres_server.database(postgres_server.template("agreements", make)) as url:
        engine = open_database(url, pool_size=8)
        yield engine
        engine.dispose()


@pytest.fixture
def units(engine: sa.Engine) -> Iterator[UnitOfWork]:
    """Give transactions on the database, which is empty again after the test."""
    yield UnitOfWork(engine, "agreements", encode, test_clock=True)
    with engine.begin() as connection:
        tables = [name for name in sa.inspect(connection).get_table_names() if name != "alembic_version"]
        # Only a test's clean-up passes the trigger that keeps the change history append-only.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"))


@pytest.fixture
def club(units: UnitOfWork, serving: Callable[..., Any], tokens: Any) -> Club:
    """Give the service with one club in it, on the first day of 2026."""
    door = Door(units)
    servicers = (
        OrganizationServicer,
        AgreementRulesServicer,
        BundleServicer,
        ClassificationServicer,
        DivisionServicer,
        SettingServicer,
        LocationServicer,
        WorkRoleServicer,
        WorkstationServicer,
        DefinitionServicer,
        AgreementGroupServicer,
        ItemServicer,
        PromotionServicer,
        ReasonServicer,
        RequestReasonServicer,
        TaxServicer,
        TemplateServicer,
        MemberServicer,
        AgreementServicer,
        CancellationServicer,
        SuspensionServicer,
        ActivityServicer,
        BatchCancelServicer,
        DueChargeServicer,
        HistoryServicer,
        TimelineServicer,
    )
    billing = Billing()
    till = serving("billing", [billing.add_to])
    sales = sales_at(units, till)
    rewrites = RewriteServicer(door, BillingInvoices(Stubs(till))).add_to  # type: ignore[arg-type]
    writer = AgreementWriterServicer(door, sales).add_to
    documents = DocumentServicer(door, PRESS).add_to
    server = serving("agreements", [*(servicer(door).add_to for servicer in servicers), writer, documents, rewrites])
    made = Club(
        units,
        server.stub(organization_service_pb2_grpc.OrganizationServiceStub),
        server.stub(member_service_pb2_grpc.MemberServiceStub),
        server.stub(agreement_service_pb2_grpc.AgreementServiceStub),
        server.stub(due_charge_service_pb2_grpc.DueChargeServiceStub),
        server.stub(timeline_service_pb2_grpc.TimelineServiceStub),
        tokens,
        server,
        billing,
        sales,
    )
    made.set_clock(FIRST_DAY.isoformat())
    made.organizations.CreateEnterprise(
        organization_pb.CreateEnterpriseRequest(
            enterprise_id=str(ENTERPRISE_ID),
            enterprise=organization_pb.Enterprise(display_name="Peak Clubs"),
            request_id=str(uuid4()),
        )
    )
    add_unit(made, CLUB, "America/Denver")
    made.facts()
    return made


@pytest.fixture
def writer(club: Club) -> Writer:
    """Give the Agreement Writer of the club with its one member, M1."""
    made = Writer(club, club.billing, club.sales)
    made.add_member("M1")
    return made
