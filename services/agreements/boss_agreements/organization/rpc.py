"""OrganizationService."""

from uuid import UUID

import grpc
from boss.agreements.v1 import organization_service_pb2 as pb
from boss.agreements.v1 import organization_service_pb2_grpc as pb_grpc

from boss_agreements.organization import commands, queries
from boss_agreements.organization.commands import CreateBusinessUnit, UpdateBusinessUnit
from boss_agreements.organization.rules import BusinessUnit, Enterprise
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.convert import time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

ENTERPRISE = "enterprises/{e}"
DIVISION = "enterprises/{e}/divisions/{d}"
UNIT = "enterprises/{e}/businessUnits/{b}"


class OrganizationServicer(pb_grpc.OrganizationServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_OrganizationServiceServicer_to_server(self, server)

    def CreateEnterprise(self, request: pb.CreateEnterpriseRequest, context: grpc.ServicerContext) -> pb.Enterprise:
        """Make an enterprise."""
        enterprise_id = names.parse(ENTERPRISE, f"enterprises/{request.enterprise_id.lower()}", "enterprise_id")["e"]
        display_name = request.enterprise.display_name
        return self._door.command(
            request, lambda tx: _enterprise(commands.create_enterprise(tx, enterprise_id, display_name))
        )

    def UpdateEnterprise(self, request: pb.UpdateEnterpriseRequest, context: grpc.ServicerContext) -> pb.Enterprise:
        """Change an enterprise."""
        asked = request.enterprise
        enterprise_id = names.parse(ENTERPRISE, asked.name, "enterprise.name")["e"]
        return self._door.command(
            request,
            lambda tx: _enterprise(commands.update_enterprise(tx, enterprise_id, asked.display_name, asked.etag)),
        )

    def CreateBusinessUnit(
        self, request: pb.CreateBusinessUnitRequest, context: grpc.ServicerContext
    ) -> pb.BusinessUnit:
        """Make a business unit."""
        unit = request.business_unit
        enterprise_id = names.parse(ENTERPRISE, request.parent, "parent")["e"]
        command = CreateBusinessUnit(
            enterprise_id, unit.external_id, unit.display_name, unit.time_zone, unit.currency, _division_of(unit)
        )
        return self._door.command(request, lambda tx: _unit(commands.create_business_unit(tx, command)))

    def UpdateBusinessUnit(
        self, request: pb.UpdateBusinessUnitRequest, context: grpc.ServicerContext
    ) -> pb.BusinessUnit:
        """Change a business unit."""
        unit = request.business_unit
        ids = names.parse(UNIT, unit.name, "business_unit.name")
        command = UpdateBusinessUnit(
            ids["e"],
            ids["b"],
            unit.etag,
            unit.external_id,
            unit.display_name,
            unit.time_zone,
            unit.currency,
            _division_of(unit),
        )
        return self._door.command(request, lambda tx: _unit(commands.update_business_unit(tx, command)))

    def GetEnterprise(self, request: pb.GetEnterpriseRequest, context: grpc.ServicerContext) -> pb.Enterprise:
        """Read an enterprise."""
        enterprise_id = names.parse(ENTERPRISE, request.name)["e"]
        return self._door.query(request, lambda tx: _enterprise(queries.get_enterprise(tx, enterprise_id)))

    def GetBusinessUnit(self, request: pb.GetBusinessUnitRequest, context: grpc.ServicerContext) -> pb.BusinessUnit:
        """Read a business unit."""
        ids = names.parse(UNIT, request.name)
        return self._door.query(request, lambda tx: _unit(queries.get_unit(tx, ids["e"], ids["b"])))

    def ListBusinessUnits(
        self, request: pb.ListBusinessUnitsRequest, context: grpc.ServicerContext
    ) -> pb.ListBusinessUnitsResponse:
        """List the business units of an enterprise or of a division."""
        enterprise_id, division_id = _enterprise_or_division(request.parent)
        page = open_page(request.page_size, request.page_token, filters=("units", request.parent))
        (after,) = page.key(str) or ("",)

        def answer(tx: Transaction) -> pb.ListBusinessUnitsResponse:
            found = queries.list_units(tx, enterprise_id, division_id, after, page.limit)
            rows, token = page.cut(found, lambda unit: (unit.external_id,))
            return pb.ListBusinessUnitsResponse(business_units=map(_unit, rows), next_page_token=token)

        return self._door.query(request, answer)


def parse_parent(parent: str) -> tuple[UUID, UUID | None]:
    """Read an enterprise, or one of its units."""
    if parent.count("/") == 1:
        return names.parse(ENTERPRISE, parent, "parent")["e"], None
    ids = names.parse(UNIT, parent, "parent")
    return ids["e"], ids["b"]


def _enterprise_or_division(parent: str) -> tuple[UUID, UUID | None]:
    if "/divisions/" not in parent:
        return names.parse(ENTERPRISE, parent, "parent")["e"], None
    ids = names.parse(DIVISION, parent, "parent")
    return ids["e"], ids["d"]


def _division_of(unit: pb.BusinessUnit) -> UUID | None:
    return names.parse(DIVISION, unit.division, "business_unit.division")["d"] if unit.division else None


def _enterprise(enterprise: Enterprise) -> pb.Enterprise:
    return pb.Enterprise(
        name=f"enterprises/{enterprise.id}",
        display_name=enterprise.display_name,
        create_time=time_to_proto(enterprise.create_time),
        etag=str(enterprise.version),
    )


def _unit(unit: BusinessUnit) -> pb.BusinessUnit:
    return pb.BusinessUnit(
        name=f"enterprises/{unit.enterprise_id}/businessUnits/{unit.id}",
        external_id=unit.external_id,
        display_name=unit.display_name,
        time_zone=unit.time_zone,
        currency=unit.currency,
        create_time=time_to_proto(unit.create_time),
        etag=str(unit.version),
        division=f"enterprises/{unit.enterprise_id}/divisions/{unit.division_id}" if unit.division_id else "",
    )
