"""`boss`, the operator's command line: a gRPC client like any other."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from boss_cli import screen
from boss_cli.clients import SERVICES
from boss_cli.commands import (
    accounts,
    arm,
    call,
    club,
    debtors,
    deposits,
    imports,
    jobs,
    parked,
    reports,
    run_life,
    status,
    suspensions,
    tasks,
    timeline,
)
from boss_cli.failures import BossCommandError, sentence
from boss_cli.session import Session
from boss_cli.tokens import file_token, no_token
from boss_kit.errors import BossError

EXIT_CODE_FAILED = 1
ADDRESS_DEFAULTS = {service: f"127.0.0.1:{50051 + index}" for index, service in enumerate(SERVICES)}


class BossGroup(TyperGroup):
    """Shows a failure as one clear sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BossError as error:
            screen.err().print(
                screen.clean(ctx.obj.sentence(error) if isinstance(ctx.obj, Session) else sentence(error))
            )
        except BossCommandError as error:
            screen.err().print(screen.clean(str(error)))
        raise typer.Exit(EXIT_CODE_FAILED)


app = typer.Typer(
    name="boss",
    cls=BossGroup,
    help="The operator's command line of BOSS.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("status")(status.status)
app.command("timeline")(timeline.timeline)
app.command("import")(imports.import_file)
app.command("debtors")(debtors.debtors)
app.command("members")(club.members)
app.command("offers")(club.offers)
app.command("settings")(club.settings)
app.command("call")(call.call)
app.add_typer(parked.app, name="parked")
app.add_typer(tasks.app, name="tasks")
app.add_typer(jobs.app, name="jobs")
app.add_typer(accounts.app, name="accounts")
app.add_typer(arm.app, name="arm")
app.add_typer(run_life.app, name="run")
app.add_typer(reports.app, name="reports")
app.add_typer(deposits.app, name="deposits")
app.add_typer(suspensions.app, name="suspensions")


def _address(service: str) -> Any:
    return typer.Option(
        f"--{service}-address",
        envvar=f"BOSS_{service.upper()}_ADDRESS",
        help=f"Where {service} listens.",
        metavar="HOST:PORT",
    )


@app.callback()
def connect(
    context: typer.Context,
    enterprise: Annotated[str, typer.Option(envvar="BOSS_ENTERPRISE", help="UUID of the enterprise.")] = "",
    token_file: Annotated[
        Path | None, typer.Option(envvar="BOSS_TOKEN_FILE", help="File with your token, read for each call.")
    ] = None,
    agreements: Annotated[str, _address("agreements")] = ADDRESS_DEFAULTS["agreements"],
    billing: Annotated[str, _address("billing")] = ADDRESS_DEFAULTS["billing"],
    arm_address: Annotated[str, _address("arm")] = ADDRESS_DEFAULTS["arm"],
    notifications: Annotated[str, _address("notifications")] = ADDRESS_DEFAULTS["notifications"],
    collections: Annotated[str, _address("collections")] = ADDRESS_DEFAULTS["collections"],
) -> None:
    """Take what every command needs from the environment or from options."""
    addresses = dict(zip(SERVICES, (agreements, billing, arm_address, notifications, collections), strict=True))
    session = Session(addresses, file_token(token_file) if token_file else no_token, enterprise)
    context.obj = session
    context.call_on_close(session.close)


def main() -> None:
    """Run `boss`."""
    app()
