"""How collections is put together; each process imports only its own doors."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from boss_collections.events import encode
from boss_collections.jobs import JOBS
from boss_collections.settings import CollectionsSettings
from boss_collections.subscriptions import SUBSCRIPTIONS
from boss_kit.service import Running, Service, Serving, Working

if TYPE_CHECKING:
    from boss_kit.rpc.door import Door
    from boss_kit.rpc.server import AddServicer

SERVICE = Service("collections", CollectionsSettings, Path(__file__).parent / "migrations", encode)


def servicers(door: "Door") -> "list[AddServicer]":
    """Give what adds each servicer to a server."""
    from boss.collections.v1 import collections_service_pb2_grpc as collections_grpc
    from boss.platform.v1 import timeline_service_pb2_grpc as timeline_grpc

    from boss_collections.debtors.rpc import CollectionsServicer
    from boss_collections.timeline.rpc import TimelineServicer

    return [
        partial(collections_grpc.add_CollectionsServiceServicer_to_server, CollectionsServicer(door)),
        partial(timeline_grpc.add_TimelineServiceServicer_to_server, TimelineServicer(door)),
    ]


def serve(settings: CollectionsSettings) -> Serving:
    """Put the API together."""
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    return Serving(house, servicers(Door(house.units)), subscriptions=SUBSCRIPTIONS, jobs=JOBS)


def work(settings: CollectionsSettings, index: int, of: int) -> Working:
    """Put the consumer together."""
    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: CollectionsSettings) -> Running:
    """Put the relay and the tasks together."""
    return Running(SERVICE.open(settings, settings.pool_run), jobs=JOBS)
