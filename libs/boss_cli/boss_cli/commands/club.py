"""`boss settings`, `boss offers`, `boss members`: what a level decides, what a club sells, who its people are."""

from itertools import islice
from typing import Annotated

import typer
from boss.agreements.v1 import definition_service_pb2, member_service_pb2, setting_service_pb2

from boss_cli import screen
from boss_cli.failures import BossCommandError
from boss_cli.session import session_of
from boss_cli.timeline import all_pages

SETTING_COLUMNS = ("setting", "value", "decided by", "what for")
OFFER_COLUMNS = ("agreement", "type", "part", "required", "billing", "item", "price", "taxes")
MEMBER_COLUMNS = ("number", "name", "status", "why", "account")
Unit = Annotated[str, typer.Option(help="The business unit, by its external id.")]


def settings(context: typer.Context, unit: Unit = "") -> None:
    """List the settings that apply to a business unit, or to the enterprise, and which level each comes from."""
    session = session_of(context)
    request = setting_service_pb2.ListEffectiveSettingsRequest(parent=session.scope(unit))
    found = session.clients.agreements.settings.ListEffectiveSettings(request).settings
    rows = [
        (one.key, one.value, "nobody yet" if one.initial else one.level.split("/")[-2], one.description)
        for one in found
    ]
    screen.out().print(screen.table(SETTING_COLUMNS, rows))


def offers(
    context: typer.Context,
    unit: Unit,
    *,
    online: Annotated[bool, typer.Option("--online", help="Also what only the member portal sells.")] = False,
) -> None:
    """List what a business unit can sell today, with prices and taxes."""
    session = session_of(context)
    request = definition_service_pb2.ListSellableDefinitionsRequest(parent=session.scope(unit), online=online)
    found = all_pages(session.clients.agreements.definitions.ListSellableDefinitions, request, "definitions")
    rows = [
        (
            one.display_name,
            one.agreement_type,
            part.display_name,
            part.required,
            part.billing,
            item.display_name if item.quantity == 1 else f"{item.quantity} x {item.display_name}",
            screen.money(item.price),
            ", ".join(f"{tax.display_name} {tax.percent} %" for tax in item.taxes),
        )
        for one in found
        for part in one.parts
        for item in part.items
    ]
    screen.out().print(screen.table(OFFER_COLUMNS, rows, right=("price",)) if rows else "Nothing is sold there today.")


def members(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="The beginning of the name.")] = "",
    email: Annotated[str, typer.Option(help="The email address.")] = "",
    phone: Annotated[str, typer.Option(help="The phone number.")] = "",
    unit: Unit = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
) -> None:
    """Find members by name, email or phone, with what they are to the club and why."""
    if not (name or email or phone):
        raise BossCommandError("Give --name, --email or --phone.")
    session = session_of(context)
    request = member_service_pb2.SearchMembersRequest(
        parent=session.scope(unit), display_name=name, email=email, phone=phone
    )
    found = all_pages(session.clients.agreements.members.SearchMembers, request, "members")
    rows = [
        (one.external_id, f"{one.first_name} {one.last_name}", one.status, one.status_reason, one.account)
        for one in islice(found, limit)
    ]
    screen.out().print(screen.table(MEMBER_COLUMNS, rows) if rows else "Nobody is found by that.")
