"""Divisions, locations, workstations, work roles, and settings that each level takes from the one above (SPEC 0)."""

from typing import Any
from uuid import uuid4

import pytest
from agreements_club import CLUB, ENTERPRISE, Club, add_unit
from boss.agreements.v1 import division_service_pb2 as divisions_pb
from boss.agreements.v1 import division_service_pb2_grpc as divisions_grpc
from boss.agreements.v1 import location_service_pb2 as locations_pb
from boss.agreements.v1 import location_service_pb2_grpc as locations_grpc
from boss.agreements.v1 import organization_service_pb2 as pb
from boss.agreements.v1 import setting_service_pb2 as settings_pb
from boss.agreements.v1 import setting_service_pb2_grpc as settings_grpc
from boss.agreements.v1 import work_role_service_pb2 as roles_pb
from boss.agreements.v1 import work_role_service_pb2_grpc as roles_grpc
from boss.agreements.v1 import workstation_service_pb2 as workstations_pb
from boss.agreements.v1 import workstation_service_pb2_grpc as workstations_grpc

from boss_kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

MONTHS = "recent_member_months"


def division(club: Club, name: str = "West", parent: str = ENTERPRISE) -> Any:
    request = divisions_pb.CreateDivisionRequest(
        parent=parent, division=divisions_pb.Division(display_name=name), request_id=str(uuid4())
    )
    return club.server.stub(divisions_grpc.DivisionServiceStub).CreateDivision(request)


def unit_of(club: Club) -> pb.BusinessUnit:
    return club.organizations.GetBusinessUnit(pb.GetBusinessUnitRequest(name=club.unit))


def update_unit(club: Club, unit: pb.BusinessUnit, **values: Any) -> pb.BusinessUnit:
    asked = pb.BusinessUnit()
    asked.CopyFrom(unit)
    for name, value in values.items():
        setattr(asked, name, value)
    return club.organizations.UpdateBusinessUnit(
        pb.UpdateBusinessUnitRequest(business_unit=asked, request_id=str(uuid4()))
    )


def effective(club: Club, node: str, key: str = MONTHS) -> Any:
    stub = club.server.stub(settings_grpc.SettingServiceStub)
    found = stub.ListEffectiveSettings(settings_pb.ListEffectiveSettingsRequest(parent=node)).settings
    return next(one for one in found if one.key == key)


def decide(club: Club, node: str, value: str, key: str = MONTHS) -> Any:
    request = settings_pb.UpdateSettingRequest(parent=node, key=key, value=value, request_id=str(uuid4()))
    return club.server.stub(settings_grpc.SettingServiceStub).UpdateSetting(request)


def use_default(club: Club, node: str, key: str = MONTHS) -> Any:
    request = settings_pb.UseDefaultSettingRequest(parent=node, key=key, request_id=str(uuid4()))
    return club.server.stub(settings_grpc.SettingServiceStub).UseDefaultSetting(request)


def test_spec_0_a_setting_says_which_level_it_came_from(club: Club) -> None:
    west = division(club)
    update_unit(club, unit_of(club), division=west.name)
    found = effective(club, club.unit)
    assert (found.value, found.level, found.own, found.initial) == ("3", ENTERPRISE, False, True)
    decide(club, ENTERPRISE, "6")
    found = effective(club, club.unit)
    assert (found.value, found.level, found.own, found.initial) == ("6", ENTERPRISE, False, False)
    decide(club, west.name, "9")
    assert (effective(club, club.unit).value, effective(club, club.unit).level) == ("9", west.name)
    made = decide(club, club.unit, "12")
    assert (made.value, made.level, made.own) == ("12", club.unit, True)
    assert effective(club, west.name).value == "9"
    assert effective(club, ENTERPRISE).value == "6"


def test_spec_0_use_default_takes_the_next_level_up_and_an_enterprise_has_none(club: Club) -> None:
    west = division(club)
    update_unit(club, unit_of(club), division=west.name)
    for node, value in ((ENTERPRISE, "6"), (west.name, "9"), (club.unit, "12")):
        decide(club, node, value)
    assert (use_default(club, club.unit).value, effective(club, club.unit).level) == ("9", west.name)
    assert use_default(club, west.name).value == "6"
    assert effective(club, club.unit).level == ENTERPRISE
    with pytest.raises(FailedPrecondition, match="no level above") as refused:
        use_default(club, ENTERPRISE)
    assert refused.value.reason == "ENTERPRISE_HAS_NO_DEFAULT"


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("colour", "red", "key"),
        (MONTHS, "many", "value"),
        (MONTHS, "-1", "value"),
        (MONTHS, "121", "value"),
        ("required_member_fields", "email,shoe_size", "value"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_field(club: Club, key: str, value: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        decide(club, club.unit, value, key)
    assert [one.field for one in refused.value.violations] == [field]


def test_a_setting_of_a_node_that_is_not_there_is_refused(club: Club) -> None:
    with pytest.raises(NotFound):
        decide(club, f"{ENTERPRISE}/divisions/{uuid4()}", "6")
    with pytest.raises(NotFound):
        decide(club, f"{ENTERPRISE}/businessUnits/{uuid4()}", "6")


def test_other_services_learn_the_division_and_the_settings_of_every_unit_a_change_reaches(club: Club) -> None:
    add_unit(club, "Austin Club", "America/Chicago")
    west = division(club)
    club.facts()
    moved = update_unit(club, unit_of(club), division=west.name, display_name="Denver")
    ((event, fact),) = club.facts()
    assert (fact.division, fact.display_name, event.version) == (west.name, "Denver", int(moved.etag))
    decide(club, west.name, "9")
    ((event, fact),) = club.facts()
    assert (fact.business_unit, fact.settings[MONTHS], event.version) == (club.unit, "9", int(moved.etag) + 1)
    decide(club, ENTERPRISE, "Thank you.", "invoice_footer_text")
    told = {fact.business_unit: dict(fact.settings) for _, fact in club.facts()}
    assert len(told) == 2
    assert {one["invoice_footer_text"] for one in told.values()} == {"Thank you."}
    assert {one[MONTHS] for one in told.values()} == {"3", "9"}


def test_units_are_listed_by_division(club: Club) -> None:
    add_unit(club, "Austin Club", "America/Chicago")
    west = division(club)
    update_unit(club, unit_of(club), division=west.name)
    listed = club.organizations.ListBusinessUnits(pb.ListBusinessUnitsRequest(parent=west.name))
    assert [one.external_id for one in listed.business_units] == [CLUB]
    assert club.organizations.GetEnterprise(pb.GetEnterpriseRequest(name=ENTERPRISE)).display_name == "Peak Clubs"


def test_a_unit_keeps_its_external_id_and_currency_and_is_changed_from_its_newest_state(club: Club) -> None:
    unit = unit_of(club)
    with pytest.raises(InvalidArgument, match="currency"):
        update_unit(club, unit, currency="EUR")
    with pytest.raises(InvalidArgument, match="external_id"):
        update_unit(club, unit, external_id="Other")
    with pytest.raises(NotFound, match="division"):
        update_unit(club, unit, division=f"{ENTERPRISE}/divisions/{uuid4()}")
    assert update_unit(club, unit) == unit, "nothing changed"
    update_unit(club, unit, time_zone="America/Phoenix")
    with pytest.raises(Aborted, match="read it again"):
        update_unit(club, unit, display_name="Other")


def test_divisions_are_the_enterprises_and_locations_the_units(club: Club) -> None:
    with pytest.raises(InvalidArgument, match="must be an enterprise"):
        division(club, parent=club.unit)
    locations = club.server.stub(locations_grpc.LocationServiceStub)
    asked = locations_pb.Location(display_name="Main hall", address_lines=["1 Park St", "Denver"], phone="+13035550100")
    made = locations.CreateLocation(
        locations_pb.CreateLocationRequest(parent=club.unit, location=asked, request_id=str(uuid4()))
    )
    assert locations.GetLocation(locations_pb.GetLocationRequest(name=made.name)) == made
    assert list(made.address_lines) == ["1 Park St", "Denver"]
    with pytest.raises(InvalidArgument, match="must be a business unit"):
        locations.CreateLocation(
            locations_pb.CreateLocationRequest(parent=ENTERPRISE, location=asked, request_id=str(uuid4()))
        )


def test_a_workstation_stands_in_a_location_of_its_unit(club: Club) -> None:
    locations = club.server.stub(locations_grpc.LocationServiceStub)
    location = locations.CreateLocation(
        locations_pb.CreateLocationRequest(
            parent=club.unit, location=locations_pb.Location(display_name="Main hall"), request_id=str(uuid4())
        )
    )
    workstations = club.server.stub(workstations_grpc.WorkstationServiceStub)

    def create(place: str) -> Any:
        asked = workstations_pb.Workstation(display_name="Desk 1", location=place)
        return workstations.CreateWorkstation(
            workstations_pb.CreateWorkstationRequest(parent=club.unit, workstation=asked, request_id=str(uuid4()))
        )

    assert create(location.name).location == location.name
    with pytest.raises(InvalidArgument, match=r"workstation\.location"):
        create(f"{club.unit}/locations/{uuid4()}")


def test_work_roles_of_the_enterprise_are_seen_by_its_units(club: Club) -> None:
    roles = club.server.stub(roles_grpc.WorkRoleServiceStub)
    for parent, name in ((ENTERPRISE, "Manager"), (club.unit, "Lifeguard")):
        asked = roles_pb.WorkRole(display_name=name)
        roles.CreateWorkRole(roles_pb.CreateWorkRoleRequest(parent=parent, work_role=asked, request_id=str(uuid4())))
    seen = roles.ListWorkRoles(roles_pb.ListWorkRolesRequest(parent=club.unit)).work_roles
    assert [one.display_name for one in seen] == ["Lifeguard", "Manager"]
    assert len(roles.ListWorkRoles(roles_pb.ListWorkRolesRequest(parent=ENTERPRISE)).work_roles) == 1


def test_a_unit_manager_decides_for_the_unit_and_not_for_the_enterprise(club: Club) -> None:
    token = club.tokens.token("anna", ["club_manager"], [club.unit])
    manager = club.server.stub(settings_grpc.SettingServiceStub, token=token)

    def request(node: str) -> settings_pb.UpdateSettingRequest:
        return settings_pb.UpdateSettingRequest(parent=node, key=MONTHS, value="1", request_id=str(uuid4()))

    assert manager.UpdateSetting(request(club.unit)).level == club.unit
    with pytest.raises(PermissionDenied, match="cover"):
        manager.UpdateSetting(request(ENTERPRISE))
