"""Durable work, for the operator and for drivers of a test clock."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import grpc
import sqlalchemy as sa
from boss.platform.v1 import task_service_pb2 as pb
from boss.platform.v1 import task_service_pb2_grpc

from boss_kit import names, schema
from boss_kit.days import FIRST_YEAR
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.jobs import Job, enqueue_job
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_from_proto, date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import TASK_CHANNEL, Transaction

ENTERPRISE = "enterprises/{enterprise}"
_STATES = {"pending": pb.Task.STATE_PENDING, "done": pb.Task.STATE_DONE, "failed": pb.Task.STATE_FAILED}
_NAMES = {value: name for name, value in _STATES.items()}
_TABLE = schema.task


class TaskServicer(task_service_pb2_grpc.TaskServiceServicer):
    """Asks for jobs, lists tasks, takes failed ones up again."""

    def __init__(self, door: Door, jobs: Sequence[Job]) -> None:
        self._door = door
        self._jobs = {job.name: job for job in jobs}

    def RunJob(self, request: Any, context: grpc.ServicerContext) -> pb.RunJobResponse:
        """Ask for a job on a business date."""
        enterprise_id = names.parse(ENTERPRISE, request.parent, "parent")["enterprise"]
        day = date_from_proto(request.business_date, "business_date")
        job = self._jobs.get(request.job)
        if job is None:
            known = ", ".join(sorted(self._jobs)) or "none"
            raise NotFound(
                "JOB_NOT_FOUND", f"There is no job {request.job[:60]!r}; there are: {known}.", metadata={"jobs": known}
            )

        def answer(tx: Transaction) -> pb.RunJobResponse:
            _require_come(day, tx.now.date())
            return pb.RunJobResponse(task=_task(enqueue_job(tx, job, enterprise_id, day)))

        return self._door.command(request, answer)

    def ListTasks(self, request: Any, context: grpc.ServicerContext) -> pb.ListTasksResponse:
        """List tasks, newest first."""
        page = open_page(request.page_size, request.page_token, filters=(request.state,))
        query = sa.select(_TABLE).order_by(_TABLE.c.id.desc()).limit(page.limit)
        if request.state in _NAMES:
            query = query.where(_TABLE.c.state == _NAMES[request.state])
        if key := page.key(UUID):
            query = query.where(_TABLE.c.id < key[0])

        def answer(tx: Transaction) -> pb.ListTasksResponse:
            rows, token = page.cut(tx.connection.execute(query).all(), lambda row: (row.id,))
            return pb.ListTasksResponse(tasks=map(_task, rows), next_page_token=token)

        return self._door.query(request, answer)

    def RetryTask(self, request: Any, context: grpc.ServicerContext) -> pb.Task:
        """Take a failed task up again."""
        return self._door.command(request, lambda tx: _retry(tx.connection, UUID(request.task_id)))


def _require_come(day: date, today: date) -> None:
    """Refuse a day that no zone has come to yet, or that no club ever saw: its task would do too much, or fail."""
    if day.year < FIRST_YEAR:
        raise InvalidArgument.field("business_date", f"{day} lies before {FIRST_YEAR}.")
    if day - timedelta(days=1) > today:
        raise InvalidArgument.field("business_date", f"{day} is still to come; a job runs for today or a day before.")


def _retry(connection: sa.Connection, task_id: UUID) -> pb.Task:
    again = (
        sa.update(_TABLE)
        .where(_TABLE.c.id == task_id, _TABLE.c.state == "failed")
        .values(state="pending", attempts=0, next_attempt_time=sa.func.now())
        .returning(_TABLE.c.id)
    )
    taken = connection.scalar(again)
    task = _read(connection, task_id)
    if taken is None:
        raise FailedPrecondition("TASK_NOT_FAILED", "Only a task that has failed can be taken up again.")
    connection.execute(sa.select(sa.func.pg_notify(TASK_CHANNEL, "")))
    return task


def _read(connection: sa.Connection, task_id: UUID) -> pb.Task:
    row = connection.execute(sa.select(_TABLE).where(_TABLE.c.id == task_id)).one_or_none()
    if row is None:
        raise NotFound("TASK_NOT_FOUND", f"There is no task {task_id}.", metadata={"task_id": str(task_id)})
    return _task(row)


def _task(row: "sa.Row[Any]") -> pb.Task:
    return pb.Task(
        task_id=str(row.id),
        task=row.name,
        key=row.key,
        state=_STATES[row.state],
        attempts=row.attempts,
        error=row.error,
        business_date=date_to_proto(row.business_date),
        create_time=time_to_proto(row.create_time),
    )
