"""SettingService."""

import grpc
from boss.agreements.v1 import setting_service_pb2 as pb
from boss.agreements.v1 import setting_service_pb2_grpc as pb_grpc

from boss_agreements.inherited_settings import commands, queries
from boss_agreements.inherited_settings.rules import SETTINGS, Effective, Node
from boss_agreements.organization.rpc import DIVISION, ENTERPRISE, UNIT
from boss_kit import names
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class SettingServicer(pb_grpc.SettingServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_SettingServiceServicer_to_server(self, server)

    def ListEffectiveSettings(
        self, request: pb.ListEffectiveSettingsRequest, context: grpc.ServicerContext
    ) -> pb.ListEffectiveSettingsResponse:
        """List what applies to a node."""
        node = _node(request.parent)

        def answer(tx: Transaction) -> pb.ListEffectiveSettingsResponse:
            return pb.ListEffectiveSettingsResponse(settings=map(_setting, queries.effective_settings(tx, node)))

        return self._door.query(request, answer)

    def UpdateSetting(self, request: pb.UpdateSettingRequest, context: grpc.ServicerContext) -> pb.EffectiveSetting:
        """Set a node's own value."""
        node = _node(request.parent)
        return self._door.command(
            request, lambda tx: _setting(commands.set_value(tx, node, request.key, request.value))
        )

    def UseDefaultSetting(
        self, request: pb.UseDefaultSettingRequest, context: grpc.ServicerContext
    ) -> pb.EffectiveSetting:
        """Put a node on "use default"."""
        node = _node(request.parent)
        return self._door.command(request, lambda tx: _setting(commands.use_default(tx, node, request.key)))


def _node(parent: str) -> Node:
    if "/businessUnits/" in parent:
        ids = names.parse(UNIT, parent, "parent")
        return Node(ids["e"], unit_id=ids["b"])
    if "/divisions/" in parent:
        ids = names.parse(DIVISION, parent, "parent")
        return Node(ids["e"], ids["d"])
    return Node(names.parse(ENTERPRISE, parent, "parent")["e"])


def _setting(one: Effective) -> pb.EffectiveSetting:
    return pb.EffectiveSetting(
        key=one.key,
        value=one.value,
        level=one.level.name,
        own=one.own,
        initial=one.initial,
        description=SETTINGS[one.key].description,
    )
