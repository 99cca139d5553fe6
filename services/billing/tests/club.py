"""A small club: units, accounts, what is due, and a processor that does as it is told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from boss.events.v1 import event_pb2
from sqlalchemy.dialects.postgresql import insert

from boss_billing import events
from boss_billing.accounts.imports import Import, Outcome, Result
from boss_billing.accounts.records import AccountRecord
from boss_billing.accounts.rules import AccountRef, account_id
from boss_billing.adapters.chance import Script
from boss_billing.adapters.conduct import Behaviour, Conduct
from boss_billing.adapters.port import NoAnswerError
from boss_billing.adapters.sandbox_refunds import SandboxRefunds
from boss_billing.adapters.simulator import Simulator
from boss_billing.batches.process import BatchProcesses
from boss_billing.batches.rules import SUBMIT_TASK, Submission
from boss_billing.callbacks import commands as callbacks
from boss_billing.callbacks.process import CallbackProcesses
from boss_billing.callbacks.rules import ResultCallback, UpdateCallback
from boss_billing.callbacks.updates import apply_updates, keep_updates
from boss_billing.funding.process import CardUpdaterProcesses
from boss_billing.invoices.rules import DueCharge
from boss_billing.payments.rules import Label
from boss_billing.refunds.process import RefundProcesses
from boss_billing.refunds.rules import SEND_TASK
from boss_billing.runs import commands as runs
from boss_billing.runs.pages import COLLECT_TASK
from boss_billing.runs.process import RunProcesses
from boss_billing.runs.rules import BillRun, DuePage, Scope, ScopeKind, Shard
from boss_billing.subscriptions import SUBSCRIPTIONS
from boss_billing.units import commands as units_commands
from boss_billing.units.rules import BillingSettings
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.events.consumer import Consumer
from boss_kit.ids import derived_id, new_id
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto
from boss_kit.tasks import TaskRunner
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import UnitOfWork

ENTERPRISE_ID = UUID("018f2f6e-0000-7000-8000-000000000001")
DENVER = "Denver Club"
AUSTIN = "Austin Club"
DAY = date(2026, 1, 5)
MESSAGES = {"A01": "Approved", "D03": "Insufficient funds", "D16": "Card expired", "D14": "Batch not attempted"}


def unit_id(name: str = DENVER) -> UUID:
    return derived_id(ENTERPRISE_ID, "business-unit", name)


def scope(unit: str | None = None) -> Scope:
    if unit is None:
        return Scope(ScopeKind.ENTERPRISE, ENTERPRISE_ID, ENTERPRISE_ID)
    return Scope(ScopeKind.UNIT, ENTERPRISE_ID, unit_id(unit))


def ref(number: str, unit: str = DENVER) -> AccountRef:
    return AccountRef(ENTERPRISE_ID, unit_id(unit), account_id(ENTERPRISE_ID, number))


def agreement_id(number: str) -> UUID:
    return derived_id(ENTERPRISE_ID, "agreement", number)


def record(number: str, **changes: str) -> AccountRecord:
    values = {
        "business_unit": DENVER,
        "tender": "VISA",
        "token": f"tok_{number}",
        "last4": "4242",
        "exp_month": "12",
        "exp_year": "2030",
        "primary_source": "yes",
        "past_due_balance": "0.00",
        "oldest_due_date": "",
    } | changes
    return AccountRecord(record=1, external_id=number, **values)


def usd(amount_minor: int) -> Any:
    return money_to_proto(Money(amount_minor, "USD"))


def due(number: str, day: date = DAY, cycle: int = 1, amount_minor: int = 3500, **changes: Any) -> DueCharge:
    values: dict[str, Any] = {
        "charge_key": f"{derived_id(agreement_id(number), 'line', '1')}/{cycle}/recurring",
        "account_id": account_id(ENTERPRISE_ID, number),
        "agreement_id": agreement_id(number),
        "agreement_number": f"A-{number}",
        "due_date": day,
        "period_start_date": day,
        "period_end_date": day + timedelta(days=29),
        "amount_minor": amount_minor,
        "tax_minor": 0,
        "currency": "USD",
        "description": "Gold Monthly",
        "item_category": "Membership",
        "item": "Gold",
    } | changes
    return DueCharge(**values)


@dataclass
class Due:
    """Stands in for agreements: charges until they are answered, in pages of `page_size`."""

    charges: list[DueCharge] = field(default_factory=list)
    skipped: list[Any] = field(default_factory=list)
    unit_of: dict[UUID, UUID] = field(default_factory=dict)
    page_size: int = 2
    closed: list[tuple[UUID, date]] = field(default_factory=list)
    streams: int = 0

    def of(self, business_unit_id: UUID, day: date) -> list[DueCharge]:
        mine = [
            one
            for one in self.charges
            if self.unit_of.get(one.account_id, unit_id()) == business_unit_id and one.due_date <= day
        ]
        return sorted(mine, key=lambda one: (one.account_id.bytes, one.due_date, one.charge_key))

    def close_bill_dates(
        self, enterprise_id: UUID, unit_ids: Sequence[UUID], bill_date: date, asked_id: UUID
    ) -> Sequence[int]:
        self.closed += [(one, bill_date) for one in unit_ids]
        return [len({due.agreement_id for due in self.of(one, bill_date)}) for one in unit_ids]

    def pages(self, enterprise_id: UUID, shard: Shard, bill_date: date, page_token: str) -> Iterator[DuePage]:
        self.streams += 1
        found = self.of(shard.business_unit_id, bill_date)
        mine = [one for one in found if one.account_id.int * shard.count >> 128 == shard.number]
        start = int(page_token or 0)
        while True:
            end = start + self.page_size
            last = end >= len(mine)
            yield DuePage(mine[start:end], self.skipped if last else (), "" if last else str(end))
            if last:
                return
            start = end

    def look(
        self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, page_size: int, page_token: str
    ) -> DuePage:
        self.page_size = page_size
        return next(self.pages(enterprise_id, Shard(business_unit_id, 0, 1), bill_date, page_token))


@dataclass
class Wire:
    """A processor whose line may go dead before or after a batch went over."""

    inner: Simulator
    lose_answers: int = 0
    lose_batches: int = 0
    submissions: list[Submission] = field(default_factory=list)

    @property
    def repeatability(self) -> Any:
        return self.inner.repeatability

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        self.submissions.append(submission)
        if self.lose_batches > 0:
            self.lose_batches -= 1
            raise NoAnswerError("the line went dead before the batch was over")
        results = self.inner.submit(submission)
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise NoAnswerError("the line went dead before the answer")
        return results

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        return self.inner.knows(enterprise_id, key)

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        return self.inner.find_results(enterprise_id, attempt_ids)

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Any) -> None:
        self.inner.inquire(enterprise_id, business_date, inquiries)


class Club:
    """Plays billing's days through its commands and processes, on a real database."""

    def __init__(self, units: UnitOfWork) -> None:
        self.units = units
        self.engine = units.engine
        self.due = Due()
        self.script: dict[tuple[str, int], str] = {}
        self.behaviours: dict[tuple[str, int], Behaviour] = {}
        conduct = Conduct(self.behaviours)
        self.wire = Wire(Simulator(self.engine, "1", MESSAGES, _Always(self.script), conduct))
        self.consumer = Consumer(units, SUBSCRIPTIONS)
        self.set_clock(DAY)
        self.feed(
            *(
                (
                    events.UNIT_CHANGED,
                    unit_id(name),
                    agreements_pb.BusinessUnitChanged(
                        business_unit=f"enterprises/{ENTERPRISE_ID}/businessUnits/{unit_id(name)}",
                        display_name=name,
                        time_zone=zone,
                        currency="USD",
                    ),
                )
                for name, zone in ((DENVER, "America/Denver"), (AUSTIN, "America/Chicago"))
            )
        )

    # Time and events

    def set_clock(self, day: date) -> None:
        self.day = day
        now = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
        with self.engine.begin() as connection:
            row = insert(schema.test_clock).values(id=1, now=now)
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"now": now}))

    def feed(self, *facts: tuple[str, UUID, Any]) -> None:
        """Deliver facts of agreements in a real batch."""
        batch = event_pb2.EventBatch(producer="agreements", partition=0)
        for number, (kind, key, message) in enumerate(facts, 1):
            event = batch.events.add(
                id=str(new_id()), source="agreements", type=kind, subject=str(key), enterprise=str(ENTERPRISE_ID)
            )
            event.key, event.version, event.data = str(key), number, message.SerializeToString()
            event.business_date.year, event.business_date.month, event.business_date.day = (
                self.day.year,
                self.day.month,
                self.day.day,
            )
        self.consumer.process(batch.SerializeToString())

    def facts(self, kind: str = "") -> list[event_pb2.Event]:
        """Give what was published so far, oldest first."""
        with self.engine.connect() as connection:
            found = written_events(connection)
        return [event for event in found if not kind or event.type == kind]

    # Doing

    def context(self, day: date | None = None) -> Context:
        return Context(enterprise_id=ENTERPRISE_ID, correlation="test", business_date=day)

    def add(self, *records: AccountRecord, validate_only: bool = False) -> list[Result]:
        taking = Import(ENTERPRISE_ID, validate_only=validate_only)
        with self.units.begin(self.context()) as tx:
            return taking.take(tx, records, {})

    def add_account(self, number: str, **changes: str) -> AccountRef:
        (result,) = self.add(record(number, **changes))
        assert result.outcome is Outcome.IMPORTED, result.reason
        return ref(number, changes.get("business_unit", DENVER))

    def settings(self, unit: str = DENVER, **changes: Any) -> None:
        with self.units.begin(self.context()) as tx:
            units_commands.update_settings(tx, ENTERPRISE_ID, unit_id(unit), BillingSettings(**changes))

    def start_run(self, day: date | None = None, unit: str | None = None) -> BillRun:
        command = runs.StartBillRun(scope(unit), day or self.day)
        with self.units.begin(self.context()) as tx:
            return runs.start_run(tx, command)

    def processes(self) -> Mapping[str, Any]:
        bill_runs = RunProcesses(self.units, self.due)
        return {
            runs.PLAN_TASK: bill_runs.plan,
            runs.SHARD_TASK: bill_runs.bill,
            COLLECT_TASK: bill_runs.collect,
            runs.WITHDRAW_TASK: bill_runs.withdraw,
            SUBMIT_TASK: BatchProcesses(self.units, self.wire).submit,
            SEND_TASK: RefundProcesses(self.units, SandboxRefunds()).send,
            "ask-processor": BatchProcesses(self.units, self.wire).ask_processor,
            "apply-callbacks": CallbackProcesses(self.units).apply_left_over,
            "card-updater": CardUpdaterProcesses(self.units, self.wire, self.due).ask,
        }

    def do_tasks(self) -> None:
        """Do all tasks there are, and refuse those that failed."""
        runner = TaskRunner(self.engine, self.processes())
        while runner.run_one():
            pass
        with self.engine.connect() as connection:
            failed = connection.execute(
                sa.select(schema.task.c.name, schema.task.c.error).where(schema.task.c.error != "")
            )
            assert not failed.all()

    def ask(self, job: str, day: date | None = None) -> None:
        with self.units.begin(self.context(day or self.day)) as tx:
            tx.enqueue(job, key=str(new_id()))
        self.do_tasks()

    def bill(self, day: date | None = None, unit: str | None = None) -> BillRun:
        """Play a whole run."""
        run = self.start_run(day, unit)
        self.do_tasks()
        return run

    def play(self, day: date) -> None:
        """Play a billing day to its end: run, results, card updater, retries."""
        self.set_clock(day)
        self.bill(day)
        self.deliver()
        self.ask("card-updater")
        self.deliver_updates()
        self.do_tasks()
        self.deliver(Label.RETRY)

    def deliver(self, label: Label = Label.ORIGINAL) -> None:
        simulator = self.wire.inner
        while chunk := simulator.outstanding_results(ENTERPRISE_ID, label, 1000, self.day):
            self.report(*chunk)
            simulator.delivered_results(ENTERPRISE_ID, chunk)

    def deliver_updates(self) -> None:
        simulator = self.wire.inner
        while chunk := simulator.outstanding_updates(ENTERPRISE_ID, 1000):
            self.report_updates(*chunk)
            simulator.delivered_updates(ENTERPRISE_ID, chunk)

    def report(self, *results: ResultCallback) -> callbacks.Tally:
        with self.units.begin(self.context()) as tx:
            callbacks.keep_results(tx, results)
        with self.units.begin(self.context()) as tx:
            return callbacks.apply_results(tx, [one.callback_id for one in results])

    def report_updates(self, *updates: UpdateCallback) -> callbacks.Tally:
        with self.units.begin(self.context()) as tx:
            keep_updates(tx, updates)
        with self.units.begin(self.context()) as tx:
            return apply_updates(tx, [one.callback_id for one in updates])

    # Looking

    def rows(self, query: str, **parameters: Any) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.execute(sa.text(query), parameters).all()

    def one(self, query: str, **parameters: Any) -> Any:
        (row,) = self.rows(query, **parameters)
        return row[0] if len(row) == 1 else row

    def ledger(self) -> Any:
        from boss_billing.ledger.queries import check_ledger

        with self.units.read(self.context()) as tx:
            return check_ledger(tx, ENTERPRISE_ID)

    def assert_books(self) -> None:
        proof = self.ledger()
        assert (list(proof.problems), proof.charges_billed_twice) == ([], 0)


class _Always(dict[tuple[str, int], str]):
    """A script that approves what it doesn't name, so that chance stays out of tests."""

    def __init__(self, script: Mapping[tuple[str, int], str]) -> None:
        super().__init__()
        self._script = script

    def get(self, key: Any, default: Any = None) -> Any:
        return self._script.get(key, "A01")


def scripted(script: Script) -> Script:
    return _Always(script)


def request_id() -> str:
    return str(uuid4())
