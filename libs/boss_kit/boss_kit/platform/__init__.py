"""What every service has: clock, status, parked events, tasks."""

from collections.abc import Sequence

import grpc
from boss.platform.v1 import clock_service_pb2_grpc, parked_event_service_pb2_grpc, task_service_pb2_grpc

from boss_kit.events.consumer import Consumer
from boss_kit.jobs import Job
from boss_kit.platform.clock import ClockServicer
from boss_kit.platform.parked_events import ParkedEventServicer
from boss_kit.platform.tasks import TaskServicer
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import UnitOfWork


def add_platform(server: grpc.Server, units: UnitOfWork, consumer: Consumer, jobs: Sequence[Job]) -> None:
    """Add the servicers every service has."""
    door = Door(units)
    clock_service_pb2_grpc.add_ClockServiceServicer_to_server(ClockServicer(door, units), server)
    parked_event_service_pb2_grpc.add_ParkedEventServiceServicer_to_server(ParkedEventServicer(door, consumer), server)
    task_service_pb2_grpc.add_TaskServiceServicer_to_server(TaskServicer(door, jobs), server)
