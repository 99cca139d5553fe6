"""Clients that outlive their servers (SPEC ALL-4)."""

import threading
import time
from typing import Any

import grpc
import pytest
from boss.platform.v1 import clock_service_pb2, clock_service_pb2_grpc, task_service_pb2, task_service_pb2_grpc
from stand_ins import connected, serving, stand_in

from boss_cli.clients import SERVICES
from boss_kit.errors import BossError, Transient
from boss_kit.nodes.process import free_port


def clock() -> Any:
    answer = clock_service_pb2.GetStatusResponse(service="billing")
    return stand_in(clock_service_pb2_grpc, "ClockService", GetStatus=lambda _: answer)


def test_every_service_has_its_own_stubs_and_the_platforms() -> None:
    with connected({}) as clients:
        for service in SERVICES:
            platform = clients.platform(service)
            assert platform is getattr(clients, service)
            assert all((platform.clock, platform.tasks, platform.parked_events, platform.timeline))
        with pytest.raises(KeyError):
            clients.platform("bill")


def test_all_4_a_service_that_is_down_is_told_at_once() -> None:
    with connected({}) as clients, pytest.raises(Transient, match="billing"):
        clients.status("billing")


def test_all_4_a_patient_client_waits_for_a_server_that_comes_back() -> None:
    address = f"127.0.0.1:{free_port()}"
    answered = []
    with connected({"billing": address}) as clients:
        patient = clients.until_answered(30)
        asking = threading.Thread(target=lambda: answered.append(patient.status("billing").service))
        asking.start()
        with serving(clock(), address=address):
            asking.join(30)
    assert answered == ["billing"]


def test_all_4_patience_has_an_end() -> None:
    began = time.monotonic()
    with connected({}, until_answered_s=0.5) as clients, pytest.raises(Transient):
        clients.status("billing")
    assert time.monotonic() - began < 10


def test_all_3_a_repeated_command_carries_the_same_request_id() -> None:
    seen: list[str] = []

    class Tasks(task_service_pb2_grpc.TaskServiceServicer):
        def RunJob(self, request: Any, context: grpc.ServicerContext) -> Any:
            seen.append(request.request_id)
            if len(seen) < 3:
                context.abort(grpc.StatusCode.ABORTED, "somebody else was faster")
            return task_service_pb2.RunJobResponse()

    with (
        serving(lambda server: task_service_pb2_grpc.add_TaskServiceServicer_to_server(Tasks(), server)) as address,
        connected({"arm": address}) as clients,
    ):
        clients.until_answered(30).arm.tasks.RunJob(task_service_pb2.RunJobRequest(request_id="r1"))
    assert seen == ["r1", "r1", "r1"]


def test_a_refusal_is_not_repeated() -> None:
    calls = []

    class Tasks(task_service_pb2_grpc.TaskServiceServicer):
        def RunJob(self, request: Any, context: grpc.ServicerContext) -> Any:
            calls.append(request)
            context.abort(grpc.StatusCode.NOT_FOUND, "no such job")

    with (
        serving(lambda server: task_service_pb2_grpc.add_TaskServiceServicer_to_server(Tasks(), server)) as address,
        connected({"arm": address}, until_answered_s=30) as clients,
        pytest.raises(BossError, match="no such job"),
    ):
        clients.arm.tasks.RunJob(task_service_pb2.RunJobRequest())
    assert len(calls) == 1
