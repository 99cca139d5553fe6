"""Whole-system scenarios: five services in one process, real PostgreSQL, the test clock, a club of a few members."""

import csv
import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from boss.arm.v1 import cycle_service_pb2 as cycles
from boss.billing.v1 import payment_service_pb2 as payments
from google.type import money_pb2

from boss_allinone.installation import AllInOne
from boss_cli.club_import import ImportReport, import_club
from boss_demo import installation
from boss_demo.chance import request_id
from boss_demo.driver import Driver
from boss_demo.idle import read_topology
from boss_demo.places import DATA_CSV, TOPOLOGY
from boss_kit.ids import derived_id
from boss_kit.nodes.process import open_directory

CLUB = "Denver Club"


@dataclass
class Town:
    """An installation with its clubs, and short ways to look at it."""

    everything: AllInOne
    driver: Driver
    today: datetime.date = installation.FIRST_DAY

    def account(self, external_id: str, club: str = CLUB) -> str:
        """Give the resource name of a member's account."""
        unit = derived_id(installation.ENTERPRISE_ID, "business-unit", club)
        account = derived_id(installation.ENTERPRISE_ID, "account", external_id)
        return f"{installation.ENTERPRISE}/businessUnits/{unit}/accounts/{account}"

    def take(self, members: Sequence[dict[str, str]], folder: Path) -> ImportReport:
        """Import members: each a row that overrides the usual one."""
        path = folder / "club.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(usual_row()))
            writer.writeheader()
            for member in members:
                writer.writerow(usual_row() | member)
        report = import_club(self.everything.clients, installation.ENTERPRISE, path)
        self.driver.settle()
        return report

    def play_until(self, day: datetime.date) -> None:
        """Play every day up to and including one."""
        while self.today <= day:
            self.driver.play(self.today)
            self.today += datetime.timedelta(days=1)

    def pay(self, account: str, cents: int) -> None:
        """Take a payment at the front desk."""
        units, rest = divmod(cents, 100)
        self.everything.clients.billing.payments.CreatePayment(
            payments.CreatePaymentRequest(
                parent=account,
                amount=money_pb2.Money(currency_code="USD", units=units, nanos=rest * 10_000_000),
                tender="CASH",
                request_id=request_id("scenario", account, self.today, cents),
            )
        )
        self.driver.settle()

    def summary(self, account: str) -> cycles.ArmSummary:
        """Read where an account stands in ARM."""
        request = cycles.GetArmSummaryRequest(account=account)
        summary: cycles.ArmSummary = self.everything.clients.arm.cycles.GetArmSummary(request)
        return summary

    def history(self, account: str, *, suspensions: bool = False) -> list[cycles.ArmActivity]:
        """Read an account's ARM history, oldest first."""
        page = self.everything.clients.arm.cycles.ListArmHistory(
            cycles.ListArmHistoryRequest(parent=account, include_suspension_activity=suspensions, page_size=1000)
        )
        return list(reversed(page.arm_activities))

    def emails_to(self, address: str) -> list[Message]:
        """Read the emails somebody got, in the order of their file names."""
        folder = self.everything.places.messages / "emails"
        found = [message_from_bytes(path.read_bytes()) for path in sorted(folder.rglob("*.eml"))]
        return [message for message in found if address in message["To"]]


def usual_row() -> dict[str, str]:
    """Give a member who pays 35.00 on the 5th, as a club exports it."""
    with DATA_CSV.open(newline="", encoding="utf-8") as file:
        row: dict[str, str] = dict.fromkeys(csv.DictReader(file).fieldnames or (), "")
    return row | {
        "external_id": "S000001",
        "business_unit": CLUB,
        "first_name": "Ada",
        "last_name": "Example",
        "birth_date": "1990-04-01",
        "email": "ada@example.com",
        "cell_phone": "(303) 555-0142",
        "address_1": "1 Main St",
        "city": "Denver",
        "state": "CO",
        "postal_code": "80202",
        "time_zone": "America/Denver",
        "agreement": "Silver Monthly",
        "agreement_type": "Membership",
        "price": "35.00",
        "schedule": "monthly_on_5",
        "term": "perpetual",
        "start_date": "2025-03-05",
        "tender": "VISA",
        "token": "tok_0000000000000001",
        "last4": "1111",
        "exp_month": "12",
        "exp_year": "2029",
        "primary_source": "yes",
        "past_due_balance": "0.00",
        "sms_opt_out": "no",
        "do_not_call": "no",
    }


@pytest.fixture(scope="module")
def town(request: pytest.FixtureRequest) -> Iterator[Town]:
    """Start an installation with the demo's clubs, nobody in them, on the demo's first day.

    The module's ANSWERS (token, attempt, code) dictate what the processor says.
    """
    folder = open_directory("boss-scenario-")
    script = folder / "answers.csv"
    lines = [f"{token},{attempt},{code}\n" for token, attempt, code in request.module.ANSWERS]
    script.write_text("token,attempt,code\n" + "".join(lines))
    with AllInOne(folder, seed=1, environ={"BOSS_SANDBOX_SCRIPT": str(script)}) as everything:
        driver = Driver(everything.clients, installation.ENTERPRISE, read_topology(TOPOLOGY), seed=1, desk_percent=0)
        driver.set_clock(installation.FIRST_DAY)
        installation.install(everything.clients, installation.CLUBS)
        driver.settle()
        installation.configure(everything.clients, installation.CLUBS)
        driver.settle()
        yield Town(everything, driver)
