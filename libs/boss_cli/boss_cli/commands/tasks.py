"""`boss tasks`: the durable work of a service."""

from typing import Annotated

import typer
from boss.platform.v1 import task_service_pb2 as pb

from boss_cli import screen
from boss_cli.failures import BossCommandError
from boss_cli.session import request_id, session_of

app = typer.Typer(no_args_is_help=True, help="Work of a service: list it, take failed work up again.")
Service = Annotated[str, typer.Argument(help="agreements, billing, arm, notifications or collections.")]
COLUMNS = ("task", "for", "state", "tries", "day", "asked for (UTC)", "id", "error")
STATES = {"pending": pb.Task.STATE_PENDING, "done": pb.Task.STATE_DONE, "failed": pb.Task.STATE_FAILED}
NAMES = {value: name for name, value in STATES.items()}


@app.command("list")
def list_tasks(
    context: typer.Context,
    service: Service,
    state: Annotated[str, typer.Option(help="Only pending, done or failed ones.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
) -> None:
    """List a service's tasks, newest first."""
    if state and state not in STATES:
        raise BossCommandError(f"--state {state!r} is no state; there are: {', '.join(STATES)}.")
    request = pb.ListTasksRequest(page_size=limit)
    if state:
        request.state = STATES[state]
    found = session_of(context).platform(service).tasks.ListTasks(request).tasks
    screen.out().print(screen.table(COLUMNS, map(row, found), right=("tries",)))


@app.command()
def retry(
    context: typer.Context, service: Service, task_id: Annotated[str, typer.Argument(help="The task's id.")]
) -> None:
    """Take a failed task up again."""
    request = pb.RetryTaskRequest(task_id=task_id, request_id=request_id())
    task = session_of(context).platform(service).tasks.RetryTask(request)
    screen.out().print(screen.table(COLUMNS, [row(task)], right=("tries",)))


def row(task: pb.Task) -> tuple[object, ...]:
    """Write a task."""
    asked = screen.time(task.create_time)
    return (
        task.task,
        task.key,
        NAMES.get(task.state, ""),
        task.attempts,
        screen.day(task.business_date),
        asked,
        task.task_id,
        task.error,
    )
