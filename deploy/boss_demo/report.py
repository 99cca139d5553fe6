"""What the demo shows a person: tables, one member's story, where to look."""

from decimal import Decimal
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from boss_cli import timeline
from boss_cli.clients import Clients
from boss_demo.driver import Driver, Payer
from boss_demo.figures import Figures, is_sound
from boss_demo.play import Played

TEAL, GREY, RED = "cyan", "grey62", "bold red"
STORIES_LOOKED_AT = 12
REJECTED_SHOWN = 20


def show(console: Console, played: Played, clients: Clients, folder: Path) -> None:
    """Print the summary, one member's story, where the messages are and the invariants."""
    figures = played.figures
    console.print(_import_table(figures))
    console.print(_summary(figures))
    _show_story(console, played.driver, clients)
    console.print(_where_to_look(folder))
    console.print(_invariants(figures))
    console.print(Text(f"{figures['days']} days played in {played.seconds:.1f} s", style=GREY))
    console.print(Text("next: `make up` starts an installation that stays, docs/operations.md says how", style=GREY))


def _summary(figures: Figures) -> Table:
    table = Table(title=f"{figures['days']} days of billing", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("", style="bold")
    table.add_column("count", justify="right")
    table.add_column("amount", justify="right")
    paid, amounts = figures["payments"], figures["amounts"]
    for label, count, amount in (
        ("Bill runs", figures["bill_runs"], ""),
        ("Invoices", figures["invoices"], amounts["invoiced"]),
        ("Payments submitted", paid["submitted"], amounts["submitted"]),
        ("  approved", paid["approved"], amounts["approved"]),
        ("    thanks to the card updater", paid["recovered_by_cau"], ""),
        ("  declined", paid["declined"], amounts["declined"]),
        ("Paid at the front desk", paid["point_of_sale"], amounts["point_of_sale"]),
        ("Entered ARM", figures["arm"]["opened"], ""),
        ("Left ARM", figures["arm"]["closed"], ""),
        ("Still in ARM", figures["arm"]["active"], ""),
        ("Emails sent", figures["notifications"]["email"], ""),
        ("Calls made", figures["notifications"]["phone"], ""),
        ("Letters sent", figures["notifications"]["letter"], ""),
        ("Contacts found invalid", figures["invalid_contacts"], ""),
        ("Waiting for collections", figures["collections_pending"], ""),
        ("Still owed", "", amounts["receivable"]),
    ):
        table.add_row(label, f"{count:,}" if isinstance(count, int) else count, _amount(amount))
    return table


def _amount(text: str) -> str:
    """Part the thousands of an amount such as `12345.60 USD`."""
    number, _, currency = text.partition(" ")
    return f"{Decimal(number):,} {currency}" if number else ""


def _import_table(figures: Figures) -> Group:
    head = Text(f"{figures['records']:,} records read, {figures['imported']:,} imported", style="bold")
    if figures["already_there"]:
        head.append(f", {figures['already_there']:,} were there already")
    rejected = figures["rejected"]
    if not rejected:
        return Group(head)
    table = Table(title=f"{len(rejected)} records rejected", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("record", justify="right")
    table.add_column("member")
    table.add_column("why", overflow="fold")
    for row in rejected[:REJECTED_SHOWN]:
        table.add_row(str(row["record"]), Text(row["external_id"]), Text(row["reason"]))
    if len(rejected) > REJECTED_SHOWN:
        table.add_row("…", "", f"and {len(rejected) - REJECTED_SHOWN} more; --json FILE lists them all")
    return Group(head, table)


def _show_story(console: Console, driver: Driver, clients: Clients) -> None:
    chosen = _most_telling(driver, clients)
    if chosen is None:
        return
    payer, entries = chosen
    table = Table(title=f"The story of {payer.number}", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("day", no_wrap=True)
    table.add_column("service", style=TEAL, no_wrap=True)
    table.add_column("what happened", overflow="fold")
    for entry in entries:
        table.add_row(_day(entry), entry.service, Text(entry.text))
    console.print(table)


def _most_telling(driver: Driver, clients: Clients) -> tuple[Payer, list[timeline.Entry]] | None:
    stories = []
    for payer in driver.payers[-STORIES_LOOKED_AT * 4 :: 4]:
        entries = timeline.collect(clients, payer.account).entries
        kinds = {entry.kind for entry in entries if entry.service == "notifications"}
        stories.append((len(kinds), -abs(len(entries) - 30), payer.number, payer, entries))
    if not stories:
        return None
    *_, payer, entries = max(stories, key=lambda story: story[:3])
    return payer, entries


def _day(entry: timeline.Entry) -> str:
    return entry.business_date.isoformat()


def _where_to_look(folder: Path) -> Panel:
    lines = Text(f"{folder}\n", style="bold")
    for name, pattern, what in (
        ("emails", "*.eml", "emails, for any mail program"),
        ("letters", "*.pdf", "letters"),
        ("calls", "*.json", "calls, beside their recordings"),
    ):
        count = sum(1 for path in (folder / name).rglob(pattern) if path.is_file())
        lines.append(f"  {name + '/':<10}", style="bold")
        lines.append(f"{count:>5,} {what}\n", style=GREY)
    lines.rstrip()
    return Panel(lines, title="Look at what members got", title_align="left", box=box.ROUNDED, expand=False)


def _invariants(figures: Figures) -> Panel:
    checks = (
        ("ledger balanced", figures["ledger_balanced"]),
        ("nothing billed twice", not figures["charges_billed_twice"]),
        ("no notification sent twice", not figures["notifications_sent_twice"]),
        ("at most one open cycle per account", not figures["accounts_with_two_open_cycles"]),
        ("no event left over", not figures["events_unprocessed"]),
    )
    lines = Text()
    for label, holds in checks:
        lines.append("✓ " if holds else "✗ ", style="green" if holds else RED)
        lines.append(label + "\n")
    lines.rstrip()
    style = "green" if is_sound(figures) else RED
    return Panel(lines, title="Invariants", title_align="left", border_style=style, box=box.ROUNDED, expand=False)
