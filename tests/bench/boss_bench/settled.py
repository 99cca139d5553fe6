"""From the first declined payment until every service knows: the distributed form, with RabbitMQ, on one machine."""

import csv
import datetime
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from boss_bench._two_services import copy_again_s, peak_rss_mb_of
from boss_bench.result import Result
from boss_cli.clients import Clients
from boss_cli.club_import import import_club
from boss_demo import installation
from boss_demo.driver import Driver
from boss_demo.idle import read_statuses, read_topology, wait_for_tasks
from boss_demo.places import DATA_CSV, TOPOLOGY
from boss_demo.stages import open_stage
from boss_stack import supervision
from boss_stack.__main__ import bring_down, raise_up
from boss_stack.layout import Layout, plan

MEMBERS = int(os.environ.get("BOSS_BENCH_SETTLED", "10000"))
DAY = installation.FIRST_DAY
CLUBS = sorted(club.external_id for club in installation.CLUBS)
CSV_COLUMNS_CLEARED = ("freeze_from", "freeze_to", "oldest_due_date")


def run() -> Iterator[Result]:
    """Give events a second, from the first results a processor reports until all is processed everywhere."""
    with tempfile.TemporaryDirectory(prefix="boss-bench-settled-", dir="/var/tmp") as folder:
        layout = plan(Path(folder), seed=1, test_clock=True)
        layout.path.chmod(0o755)
        try:
            raise_up(layout)
            with open_stage(layout.path, 1, distributed=True) as stage:
                yield _measure(layout, stage.clients)
        finally:
            bring_down(layout)


def _measure(layout: Layout, clients: Clients) -> Result:
    topology = read_topology(TOPOLOGY)
    driver = Driver(clients, installation.ENTERPRISE, topology, seed=1)
    _furnish(driver, layout.path / "members.csv")
    driver.bill(DAY)
    driver.settle()
    published, processed = _counts(clients, driver)
    began = time.perf_counter()
    driver.run_job("billing", "sandbox-results", DAY)
    wait_for_tasks(clients, "billing")
    driver.settle()
    seconds = time.perf_counter() - began
    published_after, processed_after = _counts(clients, driver)
    events, deliveries = published_after - published, processed_after - processed
    copy_s = sum(copy_again_s(f"{layout.database_url}/boss_{service}", ["inbox"]) for service in topology)
    limit_per_s = processed_after / copy_s * events / deliveries
    return Result("settled", events, events / seconds, limit_per_s, events / seconds / limit_per_s, 0.0, _peak(layout))


def _furnish(driver: Driver, file: Path) -> None:
    driver.set_clock(DAY)
    installation.install(driver.clients, installation.CLUBS)
    driver.settle()
    installation.configure(driver.clients, installation.CLUBS)
    driver.settle()
    _write_members(file)
    report = import_club(driver.clients, installation.ENTERPRISE, file, lambda _phase, _records: None)
    if report.imported != MEMBERS:
        raise AssertionError(f"of {MEMBERS} members {report.imported} were imported: {report.rejected[:3]}")
    driver.settle()


def _write_members(file: Path) -> None:
    """Write a good record of the demo's again and again, each with a number and a card of its own, due on the day."""
    with DATA_CSV.open(encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source)
        good = [row for row in reader if row["business_unit"] in CLUBS and row["tender"] == "VISA"][:1]
        columns = reader.fieldnames or ()
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        writer.writerows(_due(good[0], number) for number in range(MEMBERS))


def _due(row: dict[str, str], number: int) -> dict[str, str]:
    start = datetime.date(DAY.year - 1, DAY.month, DAY.day).isoformat()
    return (
        row
        | dict.fromkeys(CSV_COLUMNS_CLEARED, "")
        | {
            "external_id": f"S{number:06}",
            "business_unit": CLUBS[number % len(CLUBS)],
            "last_name": f"Member {number}",
            "token": f"{row['token']}{number:06}",
            "email": f"member{number}@example.com",
            "past_due_balance": "0.00",
            "schedule": "monthly_anniversary",
            "term": "perpetual",
            "start_date": start,
            "obligation_end": "",
        }
    )


def _counts(clients: Clients, driver: Driver) -> tuple[int, int]:
    """Count the events published, and those processed by all consumers together."""
    statuses = read_statuses(clients, driver.topology).values()

    def total(field: str) -> int:
        return sum(one.events for status in statuses for one in getattr(status, field))

    return total("published"), total("processed")


def _peak(layout: Layout) -> float:
    """Tell how much memory the largest of the services' processes ever held."""
    pids = re.findall(r"^\w+-(?:serve|run|work-\d).*pid (\d+)", supervision.control(layout, "status"), re.MULTILINE)
    return max(peak_rss_mb_of(int(pid)) for pid in pids)
