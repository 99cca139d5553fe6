"""`boss parked`: events a service set aside."""

from typing import Annotated, Any

import typer
from boss.options.v1 import options_pb2
from boss.platform.v1 import parked_event_service_pb2 as pb
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from boss_cli import screen
from boss_cli.commands.tasks import Service
from boss_cli.session import request_id, session_of
from boss_cli.timeline import all_pages
from boss_kit.events.facts import fact_types

app = typer.Typer(no_args_is_help=True, help="Events that a service couldn't process and set aside.")
Number = Annotated[int, typer.Argument(help="The parked event's number.")]
COLUMNS = ("number", "from", "type", "subject", "day", "parked (UTC)", "error")
HIDDEN = "(hidden)"


@app.command("list")
def list_parked(context: typer.Context, service: Service) -> None:
    """List the parked events, oldest first."""
    parked_events = session_of(context).platform(service).parked_events
    rows = [
        (
            parked.parked_event_id,
            parked.event.source,
            parked.event.type,
            parked.event.subject,
            screen.day(parked.event.business_date),
            screen.time(parked.create_time),
            parked.error,
        )
        for parked in all_pages(parked_events.ListParkedEvents, pb.ListParkedEventsRequest(), "parked_events")
    ]
    screen.out().print(screen.table(COLUMNS, rows, right=("number",)) if rows else f"{service} has parked nothing.")


@app.command()
def show(
    context: typer.Context,
    service: Service,
    number: Number,
    *,
    personal: Annotated[bool, typer.Option("--personal", help="Also show personal data.")] = False,
) -> None:
    """Show a parked event with what it says."""
    parked = (
        session_of(context)
        .platform(service)
        .parked_events.GetParkedEvent(pb.GetParkedEventRequest(parked_event_id=number))
    )
    event = parked.event
    facts = (
        ("error", parked.error),
        ("parked", screen.time(parked.create_time)),
        ("type", event.type),
        ("subject", event.subject),
        ("id", event.id),
        ("key", event.key),
        ("version", event.version),
        ("day", screen.day(event.business_date)),
        ("correlation", event.correlation),
        ("actor", event.actor),
        ("says", _fact(event.type, event.data, personal=personal)),
    )
    screen.out().print(screen.table(("", ""), facts))


@app.command()
def replay(context: typer.Context, service: Service, number: Number) -> None:
    """Process a parked event, and those behind it of the same key, again. Ends with 1 if one fails again."""
    request = pb.ReplayParkedEventRequest(parked_event_id=number, request_id=request_id())
    answer = session_of(context).platform(service).parked_events.ReplayParkedEvent(request)
    screen.out().print(f"{answer.replayed_events} events went through.")
    if answer.error:
        screen.err().print(screen.clean(f"The next one failed again: {answer.error}"))
        raise typer.Exit(1)


@app.command()
def drop(
    context: typer.Context,
    service: Service,
    number: Number,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Give a parked event up for good."""
    if not yes:
        typer.confirm(f"Event {number} of {service} will never be processed. Drop it?", abort=True)
    request = pb.DropParkedEventRequest(parked_event_id=number, request_id=request_id())
    session_of(context).platform(service).parked_events.DropParkedEvent(request)
    screen.out().print(f"Event {number} is dropped.")


def _fact(kind: str, data: bytes, *, personal: bool) -> str:
    known = fact_types().get(kind)
    if known is None:
        return f"{len(data)} bytes of a type that this version doesn't know"
    try:
        fact = known.message.FromString(data)
    except DecodeError:
        return f"{len(data)} bytes that aren't a {kind}"
    if not personal:
        hide_personal(fact)
    return json_format.MessageToJson(fact, preserving_proto_field_name=True, ensure_ascii=False)


def hide_personal(message: Message) -> None:
    """Replace the texts of fields marked as personal data, in a message and those within it."""
    for field, value in message.ListFields():
        options: Any = field.GetOptions()
        if options.Extensions[options_pb2.pii]:
            _hide(message, field, value)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for inner in value if field.is_repeated else (value,):
                hide_personal(inner)


def _hide(message: Message, field: Any, value: Any) -> None:
    plain_text = field.type == field.TYPE_STRING
    message.ClearField(field.name)
    if plain_text and field.is_repeated:
        getattr(message, field.name).extend([HIDDEN] * len(value))
    elif plain_text:
        setattr(message, field.name, HIDDEN)
