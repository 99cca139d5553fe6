"""`boss jobs`: ask for a job of a service's schedule."""

from datetime import date
from typing import Annotated

import typer
from boss.platform.v1 import task_service_pb2 as pb

from boss_cli import screen
from boss_cli.commands.tasks import COLUMNS, Service, row
from boss_cli.days import day_option
from boss_cli.session import request_id, session_of

app = typer.Typer(no_args_is_help=True, help="Jobs of a service's schedule.")


@app.callback()
def jobs() -> None:
    """Jobs of a service's schedule."""


@app.command()
def run(
    context: typer.Context,
    service: Service,
    job: Annotated[str, typer.Argument(help="The job's name.")],
    business_date: Annotated[date, day_option("The business date it is for.", "--date")],
) -> None:
    """Ask for a job on a business date; it runs once per date."""
    session = session_of(context)
    request = pb.RunJobRequest(
        job=job, parent=session.enterprise, business_date=screen.to_date(business_date), request_id=request_id()
    )
    task = session.platform(service).tasks.RunJob(request).task
    screen.out().print(screen.table(COLUMNS, [row(task)], right=("tries",)))
