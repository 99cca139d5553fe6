"""Jobs and tasks, for the operator."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.platform.v1 import task_service_pb2 as pb
from boss.platform.v1 import task_service_pb2_grpc
from google.type import date_pb2

from boss_kit import schema
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.rpc.convert import date_to_proto
from boss_kit.tasks import TaskRunner
from boss_kit.testing.server import ServerUnderTest
from boss_kit.unit_of_work import UnitOfWork

DAY = date_pb2.Date(year=2026, month=3, day=1)


@pytest.fixture
def tasks(platform: ServerUnderTest) -> Any:
    return platform.stub(task_service_pb2_grpc.TaskServiceStub)


@pytest.fixture
def enterprise() -> Any:
    return f"enterprises/{uuid4()}"


def run_job(tasks: Any, parent: str, job: str = "bill", day: Any = DAY) -> Any:
    request = pb.RunJobRequest(job=job, parent=parent, business_date=day, request_id=str(uuid4()))
    return tasks.RunJob(request).task


def test_a_job_runs_once_per_business_date_and_enterprise(tasks: Any, enterprise: str) -> None:
    first, again = run_job(tasks, enterprise), run_job(tasks, enterprise)
    assert first == again
    assert (first.task, first.key, first.business_date) == ("bill-run", "bill/2026-03-01", DAY)
    assert run_job(tasks, enterprise, day=date_pb2.Date(year=2026, month=3, day=2)) != first
    assert run_job(tasks, f"enterprises/{uuid4()}") != first
    assert run_job(tasks, enterprise, job="clear") != first


def test_an_unknown_job_is_not_found_and_the_known_ones_are_named(tasks: Any, enterprise: str) -> None:
    with pytest.raises(NotFound, match="bill, clear"):
        run_job(tasks, enterprise, job="bil")


@pytest.mark.parametrize("parent", ["enterprises/1", "x", "enterprises/-"])
def test_a_job_needs_an_enterprise(tasks: Any, parent: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        run_job(tasks, parent)
    assert caught.value.violations[0].field == "parent"


def test_a_job_needs_a_day_of_the_calendar(tasks: Any, enterprise: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        run_job(tasks, enterprise, day=date_pb2.Date(year=2026, month=2, day=30))
    assert caught.value.violations[0].field == "business_date"


def test_all_3_tasks_are_listed_in_pages_newest_first(tasks: Any, enterprise: str) -> None:
    made = [run_job(tasks, enterprise, day=date_pb2.Date(year=2026, month=3, day=day)) for day in range(1, 6)]
    found, token = [], ""
    while True:
        answer = tasks.ListTasks(pb.ListTasksRequest(page_size=2, page_token=token))
        found += answer.tasks
        token = answer.next_page_token
        if not token:
            break
    assert found == made[::-1]
    failed = tasks.ListTasks(pb.ListTasksRequest(state=pb.Task.STATE_FAILED))
    assert not failed.tasks


def test_a_failed_task_can_be_taken_up_again(tasks: Any, enterprise: str, units: UnitOfWork) -> None:
    task = run_job(tasks, enterprise)

    def fail(_task: Any) -> None:
        raise ValueError("broken")

    TaskRunner(units.engine, {"bill-run": fail}).run_one()
    (failed,) = tasks.ListTasks(pb.ListTasksRequest(state=pb.Task.STATE_FAILED)).tasks
    assert (failed.task_id, failed.error) == (task.task_id, "ValueError: broken")
    again = tasks.RetryTask(pb.RetryTaskRequest(task_id=task.task_id, request_id=str(uuid4())))
    assert again.state == pb.Task.STATE_PENDING
    TaskRunner(units.engine, {"bill-run": lambda _task: None}).run_one()
    with units.engine.connect() as connection:
        assert connection.scalar(sa.select(schema.task.c.state)) == "done"


def test_only_a_failed_task_can_be_taken_up_again(tasks: Any, enterprise: str) -> None:
    task = run_job(tasks, enterprise)
    with pytest.raises(FailedPrecondition):
        tasks.RetryTask(pb.RetryTaskRequest(task_id=task.task_id, request_id=str(uuid4())))
    with pytest.raises(NotFound):
        tasks.RetryTask(pb.RetryTaskRequest(task_id=str(uuid4()), request_id=str(uuid4())))


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1899, 12, 31), date(9999, 12, 31), date(2199, 1, 1)])
def test_a_job_does_not_run_for_a_day_that_no_club_has_come_to(tasks: Any, enterprise: str, day: date) -> None:
    with pytest.raises(InvalidArgument) as caught:
        run_job(tasks, enterprise, day=date_to_proto(day))
    assert caught.value.violations[0].field == "business_date"
    assert not tasks.ListTasks(pb.ListTasksRequest()).tasks
