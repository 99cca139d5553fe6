"""Plays an installation day by day; a phase begins when the one before has settled everywhere (DESIGN 5)."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boss.billing.v1 import bill_run_service_pb2 as bill_runs
from boss.billing.v1 import payment_service_pb2 as payments
from boss.collections.v1 import collections_service_pb2 as collections
from boss.platform.v1 import clock_service_pb2, task_service_pb2
from google.protobuf import timestamp_pb2
from google.type import date_pb2

from boss_cli.clients import Clients
from boss_demo.chance import happens, request_id
from boss_demo.idle import wait_for_tasks, wait_until_idle

HOUR_UTC, DESK_HOUR_UTC = 18, 19
PAYS_ON_A_DAY_PERCENT = 4
PAGE_SIZE = 1000


@dataclass(frozen=True)
class Payer:
    """Somebody who came to the front desk and paid what was past due."""

    account: str
    number: str
    day: datetime.date


@dataclass
class Driver:
    """Plays days on an installation whose test clock is on."""

    clients: Clients
    enterprise: str
    topology: Mapping[str, list[str]]
    seed: int
    desk_percent: int = PAYS_ON_A_DAY_PERCENT
    payers: list[Payer] = field(default_factory=list)

    def set_clock(self, day: datetime.date, hour: int = HOUR_UTC) -> None:
        """Move every service to an hour of a day, in UTC."""
        time = timestamp_pb2.Timestamp()
        time.FromDatetime(datetime.datetime(day.year, day.month, day.day, hour, tzinfo=datetime.UTC))
        for service in self.topology:
            self.clients.platform(service).clock.AdvanceClock(
                clock_service_pb2.AdvanceClockRequest(
                    time=time, request_id=request_id(self.seed, "clock", service, day, hour)
                )
            )

    def play(self, day: datetime.date) -> None:
        """Play one business date from freezes to the hand-over."""
        self.set_clock(day)
        self.run_job("agreements", "suspensions", day)
        self.settle("agreements")
        self.bill(day)
        for job in ("sandbox-answers", "sandbox-retry-results"):
            self.run_job("billing", job, day)
            wait_for_tasks(self.clients, "billing")
        self.settle()
        self.run_job("arm", "daily-run", day)
        self.settle("arm")
        # Who answers is decided by what notifications has sent, whatever the others know of it by then.
        self.run_job("notifications", "dispatch", day)
        wait_for_tasks(self.clients, "notifications")
        self.run_job("notifications", "sandbox-responses", day)
        self.settle("notifications")
        self._pay(day)
        self.settle()
        self.run_job("arm", "hand-over", day)
        self.settle("arm")

    def settle(self, first: str | None = None) -> None:
        """Wait until nothing is left to do anywhere, beginning with the service that was given work."""
        wait_until_idle(self.clients, self.topology, first=first)

    def run_job(self, service: str, job: str, day: datetime.date) -> None:
        """Ask a service for a job of a day."""
        self.clients.platform(service).tasks.RunJob(
            task_service_pb2.RunJobRequest(
                job=job,
                parent=self.enterprise,
                business_date=_date(day),
                request_id=request_id(self.seed, "job", service, job, day),
            )
        )

    def bill(self, day: datetime.date) -> None:
        """Run the enterprise's bill run of a day to the end of its submission."""
        self.clients.billing.bill_runs.StartBillRun(
            bill_runs.StartBillRunRequest(
                parent=self.enterprise, bill_date=_date(day), request_id=request_id(self.seed, "bill-run", day)
            )
        )
        wait_for_tasks(self.clients, "billing")

    def _pay(self, day: datetime.date) -> None:
        if not self.desk_percent:
            return
        coming = [one for one in self._past_due() if happens(self.desk_percent, self.seed, "pays", one.number, day)]
        if coming:
            # So that a story tells the day's messages before the payment that ends them.
            self.set_clock(day, DESK_HOUR_UTC)
        for debtor in coming:
            self.clients.billing.payments.CreatePayment(
                payments.CreatePaymentRequest(
                    parent=debtor.account,
                    amount=debtor.balance,
                    tender="CASH" if happens(30, self.seed, "cash", debtor.number, day) else "CARD",
                    request_id=request_id(self.seed, "pays", debtor.number, day),
                )
            )
            self.payers.append(Payer(debtor.account, debtor.number, day))

    def _past_due(self) -> list[collections.Debtor]:
        debtors: list[collections.Debtor] = []
        token = ""
        while True:
            page = self.clients.collections.collections.ListDebtors(
                collections.ListDebtorsRequest(
                    parent=self.enterprise, days_past_due_min=1, page_size=PAGE_SIZE, page_token=token
                )
            )
            debtors.extend(page.debtors)
            token = page.next_page_token
            if not token:
                return sorted(debtors, key=lambda debtor: debtor.number)


def play_days(driver: Driver, first: datetime.date, days: int, played: Callable[[datetime.date], None]) -> None:
    """Play consecutive days and tell after each."""
    for offset in range(days):
        day = first + datetime.timedelta(days=offset)
        driver.play(day)
        played(day)


def _date(day: datetime.date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)
