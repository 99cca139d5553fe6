"""Enterprises, business units and new agreements."""

from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from agreements_club import CLUB, ENTERPRISE, ENTERPRISE_ID, Club, add_unit, day, iso, record, usd
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import organization_service_pb2 as pb
from boss.agreements.v1.organization_service_pb2_grpc import OrganizationServiceStub

import boss_agreements
from boss_agreements.app import SERVICE
from boss_agreements.subscriptions import SUBSCRIPTIONS
from boss_kit import migrate
from boss_kit.errors import Aborted, AlreadyExists, InvalidArgument, NotFound, PermissionDenied
from boss_kit.events.facts import fact_types
from boss_kit.unit_of_work import UnitOfWork


def enterprise(club: Club, name: str, enterprise_id: str = str(ENTERPRISE_ID), **values: Any) -> Any:
    request = pb.CreateEnterpriseRequest(
        enterprise_id=enterprise_id,
        enterprise=pb.Enterprise(display_name=name),
        request_id=values.get("request_id", str(uuid4())),
    )
    return values.get("stub", club.organizations).CreateEnterprise(request)


def test_an_enterprise_is_made_once_and_its_id_keeps_its_name(club: Club) -> None:
    assert enterprise(club, "Peak Clubs").name == ENTERPRISE
    with pytest.raises(AlreadyExists, match="another id"):
        enterprise(club, "Other Clubs")


def test_only_the_platform_operator_makes_enterprises(club: Club) -> None:
    stub = club.server.stub(OrganizationServiceStub, token=club.tokens.token("anna", ["club_manager"], [ENTERPRISE]))
    with pytest.raises(PermissionDenied):
        enterprise(club, "Mine", str(uuid4()), stub=stub)


def test_an_enterprise_is_renamed_from_its_newest_state_and_keeps_its_units(club: Club) -> None:
    before = club.organizations.GetEnterprise(pb.GetEnterpriseRequest(name=ENTERPRISE))

    def rename(asked: pb.Enterprise, request_id: str = "", stub: Any = None) -> pb.Enterprise:
        request = pb.UpdateEnterpriseRequest(enterprise=asked, request_id=request_id or str(uuid4()))
        changed: pb.Enterprise = (stub or club.organizations).UpdateEnterprise(request)
        return changed

    renamed = pb.Enterprise(name=ENTERPRISE, display_name="Summit Clubs", etag=before.etag)
    request_id = str(uuid4())
    after = rename(renamed, request_id)
    assert rename(renamed, request_id) == after, "a repeat is answered with the first answer"
    assert (after.name, after.display_name, after.create_time) == (ENTERPRISE, "Summit Clubs", before.create_time)
    assert club.organizations.GetEnterprise(pb.GetEnterpriseRequest(name=ENTERPRISE)) == after
    assert rename(after) == after, "nothing changed"
    with pytest.raises(Aborted, match="read it again"):
        rename(renamed)
    with pytest.raises(InvalidArgument, match="etag"):
        rename(pb.Enterprise(name=ENTERPRISE, display_name="Other Clubs"))
    with pytest.raises(InvalidArgument, match="display_name"):
        rename(pb.Enterprise(name=ENTERPRISE, etag=after.etag))
    with pytest.raises(NotFound, match="create it first"):
        rename(pb.Enterprise(name=f"enterprises/{uuid4()}", display_name="Nobody", etag="1"))
    of_a_unit = club.tokens.token("anna", ["club_manager"], [club.unit])
    with pytest.raises(PermissionDenied):
        rename(after, stub=club.server.stub(OrganizationServiceStub, token=of_a_unit))


def test_a_business_unit_is_published_with_what_others_need(club: Club) -> None:
    made = add_unit(club, "Austin Club", "America/Chicago")
    ((event, fact),) = club.facts()
    assert event.key == made.name.rpartition("/")[2] == event.business_unit
    assert (fact.business_unit, fact.time_zone, fact.currency) == (made.name, "America/Chicago", "USD")
    assert event.version == 1
    assert club.organizations.GetBusinessUnit(pb.GetBusinessUnitRequest(name=made.name)) == made


def test_a_business_unit_has_an_external_id_of_its_own(club: Club) -> None:
    with pytest.raises(AlreadyExists, match="another external id"):
        add_unit(club, CLUB, "America/Denver")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"currency": "XYZ"}, "isn't an ISO 4217 currency"),
        ({"currency": "usd"}, "currency"),
        ({"external_id": ""}, "external_id"),
        ({"display_name": "x" * 201}, "display_name"),
    ],
)
def test_a_business_unit_that_cannot_be_is_refused_with_its_field(
    club: Club, values: dict[str, str], words: str
) -> None:
    usual = {"external_id": "New", "display_name": "New", "time_zone": "America/Denver", "currency": "USD"}
    unit = pb.BusinessUnit(**(usual | values))
    with pytest.raises(InvalidArgument, match=words):
        club.organizations.CreateBusinessUnit(
            pb.CreateBusinessUnitRequest(parent=ENTERPRISE, business_unit=unit, request_id=str(uuid4()))
        )


def test_a_business_unit_needs_its_enterprise(club: Club) -> None:
    unit = pb.BusinessUnit(external_id="New", display_name="New", time_zone="America/Denver", currency="USD")
    with pytest.raises(NotFound):
        club.organizations.CreateBusinessUnit(
            pb.CreateBusinessUnitRequest(parent=f"enterprises/{uuid4()}", business_unit=unit, request_id=str(uuid4()))
        )


def test_business_units_are_listed_by_their_external_ids(club: Club) -> None:
    add_unit(club, "Austin Club", "America/Chicago")
    first = club.organizations.ListBusinessUnits(pb.ListBusinessUnitsRequest(parent=ENTERPRISE, page_size=1))
    assert [one.external_id for one in first.business_units] == ["Austin Club"]
    request = pb.ListBusinessUnitsRequest(parent=ENTERPRISE, page_size=1, page_token=first.next_page_token)
    second = club.organizations.ListBusinessUnits(request)
    assert ([one.external_id for one in second.business_units], second.next_page_token) == ([CLUB], "")


def create(club: Club, **values: Any) -> Any:
    asked = {
        "member": club.member_name(),
        "display_name": "Locker",
        "agreement_type": "Service",
        "price": usd(1200),
        "schedule": "monthly_on_15",
        "term": "perpetual",
        "start_date": day("2026-01-10"),
    } | values
    request = agreements_pb.CreateAgreementRequest(
        parent=club.unit, agreement=agreements_pb.Agreement(**asked), request_id=str(uuid4())
    )
    return club.agreements.CreateAgreement(request)


def test_an_agreement_is_made_for_a_member_and_published(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    made = create(club)
    assert (made.number, made.status, iso(made.next_bill_date)) == ("M1-2", "Pending Start", "2026-01-15")
    assert made.account == f"{club.unit}/accounts/{club.account_id()}"
    assert create(club).number == "M1-3"
    ((event, fact), _) = club.facts()
    assert (event.key, event.version) == (str(club.account_id()), 1)
    assert (fact.agreement, fact.number, fact.member) == (made.name, "M1-2", club.member_name())
    assert club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=made.name)) == made
    listed = club.agreements.ListAgreements(
        agreements_pb.ListAgreementsRequest(parent=club.unit, member=club.member_name())
    )
    assert [one.number for one in listed.agreements] == ["M1", "M1-2", "M1-3"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"schedule": "sometimes"}, "not a billing schedule"),
        ({"term": "forever"}, "not a term"),
        ({"agreement_type": "Rental"}, "Membership or Service"),
        ({"price": None}, "price"),
        ({"display_name": ""}, "display_name"),
        ({"obligation_end_date": day("2026-01-01")}, "before the start"),
        ({"start_date": day("2300-01-01")}, "outside the years"),
    ],
)
def test_an_agreement_that_cannot_be_is_refused_with_its_field(club: Club, values: dict[str, Any], words: str) -> None:
    club.import_records(record(1))
    with pytest.raises(InvalidArgument, match=words):
        create(club, **values)


def test_an_agreement_needs_its_member_and_its_currency(club: Club) -> None:
    club.import_records(record(1))
    with pytest.raises(NotFound, match="member"):
        create(club, member=club.member_name("M9"))
    euros = usd(1200)
    euros.currency_code = "EUR"
    with pytest.raises(InvalidArgument, match="bills in USD"):
        create(club, price=euros)


def stores_with_tables() -> list[Any]:
    package = Path(boss_agreements.__file__).parent
    paths = sorted([*package.glob("*/store.py"), *package.glob("*/tables.py")])
    stores = [import_module(f"boss_agreements.{path.parent.name}.{path.stem}") for path in paths]
    return [store for store in stores if hasattr(store, "TABLES")]


def test_the_migrations_make_the_tables_that_the_stores_use(units: UnitOfWork) -> None:
    inspector = sa.inspect(units.engine)
    for room in stores_with_tables():
        for table in room.TABLES.sorted_tables:
            made = {column["name"]: column for column in inspector.get_columns(table.name)}
            assert made.keys() == {column.name for column in table.columns}, table.name
            for column in table.columns:
                assert made[column.name]["nullable"] == column.nullable, f"{table.name}.{column.name}"
                found = made[column.name]["type"].compile(units.engine.dialect)
                assert found == column.type.compile(units.engine.dialect), f"{table.name}.{column.name}"
            indexes = {index["name"] for index in inspector.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= indexes
            key = inspector.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key], table.name
            assert key[0] == "enterprise_id", "every key carries its tenant"


def test_migrating_again_changes_nothing(units: UnitOfWork) -> None:
    migrate.upgrade(units.engine, SERVICE.migrations)
    assert migrate.current(units.engine) == migrate.newest(SERVICE.migrations)
    assert Path(SERVICE.migrations).is_dir()


def test_every_subscription_is_a_fact_that_somebody_publishes() -> None:
    assert {entry.type for entry in SUBSCRIPTIONS} <= fact_types().keys()
