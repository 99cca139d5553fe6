"""DefinitionService."""

from uuid import UUID

import grpc
from boss.agreements.v1 import definition_service_pb2 as pb
from boss.agreements.v1 import definition_service_pb2_grpc as pb_grpc

from boss_agreements.bundles.convert import BUNDLES
from boss_agreements.catalogue.convert import entry_of, parent_of
from boss_agreements.catalogue.rpc import Counter
from boss_agreements.definitions import commands, convert, queries, store
from boss_agreements.definitions.rules import OPTIONAL
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rpc import UNIT
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class DefinitionServicer(pb_grpc.DefinitionServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._entries = Counter(
            door, store.DEFINITIONS, convert.DEFINITIONS, convert.write_definition, commands.check_definition
        )

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_DefinitionServiceServicer_to_server(self, server)

    def CreateDefinition(self, request: pb.CreateDefinitionRequest, context: grpc.ServicerContext) -> pb.Definition:
        """Make a definition."""
        return self._entries.create(request, lambda head: convert.read_definition(request.definition, head))

    def GetDefinition(self, request: pb.GetDefinitionRequest, context: grpc.ServicerContext) -> pb.Definition:
        """Read a definition."""
        return self._entries.get(request)

    def ListDefinitions(
        self, request: pb.ListDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListDefinitionsResponse:
        """List definitions by display name."""
        parent, criteria = parent_of(request.parent), convert.criteria(request)
        filters = ("definitions", request.parent, request.show_inactive, *map(str, vars(criteria).values()))
        page = open_page(request.page_size, request.page_token, filters=filters)
        after = page.key(str, UUID)

        def answer(tx: Transaction) -> pb.ListDefinitionsResponse:
            found = queries.search_definitions(
                tx, parent, criteria, after, page.limit, show_inactive=request.show_inactive
            )
            rows, token = page.cut(found, lambda one: (one.name, one.id))
            return pb.ListDefinitionsResponse(definitions=map(convert.write_definition, rows), next_page_token=token)

        return self._door.query(request, answer)

    def UpdateDefinition(self, request: pb.UpdateDefinitionRequest, context: grpc.ServicerContext) -> pb.Definition:
        """Replace a definition."""
        asked = request.definition
        return self._entries.update(request, asked, "definition", lambda head: convert.read_definition(asked, head))

    def AddBundleToDefinitions(
        self, request: pb.AddBundleToDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.AddBundleToDefinitionsResponse:
        """Add a bundle to definitions."""
        bundle = entry_of(request.bundle, BUNDLES, "bundle")
        asked = [
            entry_of(name, convert.DEFINITIONS, f"definitions[{number}]")
            for number, name in enumerate(request.definitions)
        ]

        def answer(tx: Transaction) -> pb.AddBundleToDefinitionsResponse:
            changed = commands.add_bundle(tx, bundle.id, asked, request.required or OPTIONAL)
            return pb.AddBundleToDefinitionsResponse(definitions=map(convert.write_definition, changed))

        return self._door.command(request, answer)

    def ApplyDefinition(self, request: pb.ApplyDefinitionRequest, context: grpc.ServicerContext) -> pb.Application:
        """Apply a definition to a unit."""
        command = convert.apply_definition(request)
        return self._door.command(request, lambda tx: convert.application(commands.apply_definition(tx, command)))

    def ListApplications(
        self, request: pb.ListApplicationsRequest, context: grpc.ServicerContext
    ) -> pb.ListApplicationsResponse:
        """List where a definition is applied, by unit."""
        name = entry_of(request.definition, convert.DEFINITIONS, "definition")
        page = open_page(request.page_size, request.page_token, filters=("applications", request.definition))
        (after,) = page.key(UUID) or (None,)

        def answer(tx: Transaction) -> pb.ListApplicationsResponse:
            found = queries.applications_of(tx, name.enterprise_id, name.business_unit_id, name.id)
            later = [one for one in found if after is None or one.business_unit_id > after]
            rows, token = page.cut(later, lambda one: (one.business_unit_id,))
            return pb.ListApplicationsResponse(applications=map(convert.application, rows), next_page_token=token)

        return self._door.query(request, answer)

    def ListSellableDefinitions(
        self, request: pb.ListSellableDefinitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSellableDefinitionsResponse:
        """List what can be sold in a unit today, by display name."""
        ids = names.parse(UNIT, request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=("sellable", request.parent, request.online))
        after = page.key(str, UUID)

        def answer(tx: Transaction) -> pb.ListSellableDefinitionsResponse:
            today = tx.today(get_unit(tx, ids["e"], ids["b"]).time_zone)
            found = queries.sellable(tx, ids["e"], ids["b"], today, online=request.online)
            later = [one for one in found if after is None or (one.definition.name, one.definition.id) > after]
            rows, token = page.cut(later, lambda one: (one.definition.name, one.definition.id))
            return pb.ListSellableDefinitionsResponse(definitions=map(convert.offer, rows), next_page_token=token)

        return self._door.query(request, answer)
