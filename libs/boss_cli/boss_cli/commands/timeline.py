"""`boss timeline`: one account's story, as the five services tell it (SPEC ALL-2)."""

from typing import Annotated

import typer

from boss_cli import screen
from boss_cli.session import session_of
from boss_cli.timeline import collect


def timeline(
    context: typer.Context, account_number: Annotated[str, typer.Argument(help="The club's own number.")]
) -> None:
    """Tell an account's story day by day. Ends with 1 if a service couldn't be asked."""
    session = session_of(context)
    story = collect(session.clients, session.account(account_number))
    rows = [(entry.business_date, entry.service, entry.text) for entry in story.entries]
    if rows:
        screen.out().print(screen.table(("day", "service", "what happened"), rows))
    else:
        screen.out().print("Nothing is told of this account.")
    for service, why in story.missing.items():
        screen.err().print(screen.clean(f"What {service} knows is missing: {why}"))
    if story.missing:
        raise typer.Exit(1)
