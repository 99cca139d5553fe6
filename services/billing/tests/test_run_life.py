"""A bill run as an object: previewed, drafted, approved, started, watched, cancelled, resumed (SPEC BIL-1)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc as pb_grpc
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, ref, request_id, scope, unit_id
from grpc import RpcError
from hypothesis import given
from hypothesis import strategies as st

from boss_billing import events
from boss_billing.batches import rules as batch_rules
from boss_billing.funding.changes import AddSource, add_source
from boss_billing.invoices.rules import SkippedAgreement
from boss_billing.runs import commands, pages
from boss_billing.runs.rules import (
    AGREEMENTS_PER_TASK,
    BillRun,
    DuePage,
    Scope,
    ScopeKind,
    Shard,
    deal,
    read_shards,
    write_shards,
)
from boss_kit.errors import AlreadyExists, FailedPrecondition, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_from_proto, money_to_proto
from boss_kit.rpc.roles import ROLES

PARENT = f"enterprises/{ENTERPRISE_ID}"
DIVISION_ID = UUID("018f2f6e-0000-7000-8000-00000000d117")


class Api:
    def __init__(self, server: Any) -> None:
        self.stub = server.stub(pb_grpc.BillRunServiceStub)

    def create(self, parent: str = PARENT) -> pb.BillRun:
        request = pb.CreateBillRunRequest(parent=parent, bill_date=date_to_proto(DAY), request_id=request_id())
        return self.stub.CreateBillRun(request, timeout=5)

    def start(self, parent: str = PARENT) -> pb.BillRun:
        request = pb.StartBillRunRequest(parent=parent, bill_date=date_to_proto(DAY), request_id=request_id())
        return self.stub.StartBillRun(request, timeout=5)

    def change(self, verb: str, run: pb.BillRun) -> pb.BillRun:
        request = getattr(pb, f"{verb}BillRunRequest")(name=run.name, request_id=request_id())
        return getattr(self.stub, f"{verb}BillRun")(request, timeout=5)

    def preview(self, parent: str = PARENT, page_size: int = 2) -> list[pb.PlannedAgreement]:
        found: list[pb.PlannedAgreement] = []
        token = ""
        while True:
            request = pb.PreviewBillRunRequest(
                parent=parent, bill_date=date_to_proto(DAY), page_size=page_size, page_token=token
            )
            page = self.stub.PreviewBillRun(request, timeout=5)
            found += page.agreements
            token = page.next_page_token
            if not token:
                return found


@pytest.fixture
def api(server: Any) -> Api:
    return Api(server)


def everything(club: Club) -> list[Any]:
    tables = ("invoice", "invoice_line", "payment", "attempt", "transfer", "bill_run", "batch", "outbox", "account")
    return [club.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]


def test_bil_1_only_who_may_approve_a_run_starts_one_that_nobody_has_approved(
    club: Club, server: Any, tokens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[str, tuple[str, ...]]", ROLES), "clerk", ("billing.billRuns.start",))
    clerk = tokens.token("carl", ["clerk"], [PARENT])
    boss = tokens.token("anna", ["controller"], [PARENT])
    stub = pb_grpc.BillRunServiceStub(server.plain)

    def start(by: str, approval: str = "") -> pb.BillRun:
        request = pb.StartBillRunRequest(parent=PARENT, bill_date=date_to_proto(club.day), request_id=request_id())
        with_approval = [("boss-approval", f"Bearer {approval}")] if approval else []
        return stub.StartBillRun(request, timeout=5, metadata=[("authorization", f"Bearer {by}"), *with_approval])

    for approval in ("", tokens.token("cleo", ["clerk"], [PARENT])):
        with pytest.raises(RpcError, match="you may not approve one"):
            start(clerk, approval)
    assert club.rows("SELECT * FROM bill_run") == []
    started = start(clerk, boss)
    assert (started.created_by, started.approved_by) == ("carl", "anna")
    assert start(clerk).name == started.name
    club.set_clock(DAY + timedelta(days=1))
    assert start(boss).approved_by == "anna"
    club.set_clock(DAY + timedelta(days=2))
    drafts = server.stub(pb_grpc.BillRunServiceStub)
    drafted = drafts.CreateBillRun(
        pb.CreateBillRunRequest(parent=PARENT, bill_date=date_to_proto(club.day), request_id=request_id()), timeout=5
    )
    drafts.ApproveBillRun(pb.ApproveBillRunRequest(name=drafted.name, request_id=request_id()), timeout=5)
    assert start(clerk).name == drafted.name


def test_bil_1_a_preview_shows_what_would_be_invoiced_attempted_and_skipped_and_writes_nothing(
    club: Club, api: Api
) -> None:
    for number in ("M1", "M2", "M3"):
        club.add_account(number)
    for number in ("OLD", "OLD-M"):
        club.add_account(number, past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
        connection.execute(
            sa.text("UPDATE funding_source SET tender = 'Manual' WHERE token IN ('tok_M3', 'tok_OLD-M')")
        )
    club.due.charges = [due("M1"), due("M1", DAY - timedelta(days=31), cycle=0), due("M2"), due("M3"), due("M9")]
    club.due.skipped = [SkippedAgreement(UUID(int=7), "A-M7", "SUSPENDED", "Suspended until 2026-02-01.")]
    before = everything(club)
    found = api.preview()
    assert everything(club) == before
    by_number = {one.agreement_number: one for one in found}
    m1 = by_number["A-M1"]
    assert [(one.due_date.day, one.total.units) for one in m1.invoices] == [(5, 35), (5, 35)]
    assert m1.invoices[0].due_date.month == 12
    payment = by_number["A-M2"].invoices[0].payments[0]
    assert (payment.kind, payment.tender, payment.amount.units) == ("New", "VISA", 35)
    manual = by_number["A-M3"].invoices[0]
    assert (len(manual.payments), manual.not_paid) == (0, "MANUAL_SOURCE")
    assert by_number["A-M9"].skipped[0].reason == "UNKNOWN_ACCOUNT"
    assert by_number["A-M7"].skipped[0].reason == "SUSPENDED"
    manual_old = next(one for one in found if one.account == ref("OLD-M").name)
    assert (len(manual_old.invoices[0].payments), manual_old.invoices[0].not_paid) == (0, "MANUAL_SOURCE")
    (old,) = [one for one in found if one.account == ref("OLD").name]
    assert [(one.kind, one.amount.units) for one in old.invoices[0].payments] == [("Past Due", 20)]


def test_bil_1_a_run_does_what_its_preview_said(club: Club, api: Api) -> None:
    for number in ("M1", "M2", "M3"):
        club.add_account(number)
    club.due.charges = [due("M1"), due("M2"), due("M3", amount_minor=1299)]
    said = sorted(one.invoices[0].payments[0].amount.units for one in api.preview())
    club.bill()
    assert [row[0] // 100 for row in club.rows("SELECT amount_minor FROM payment ORDER BY 1")] == said


def test_bil_1_a_draft_does_nothing_until_it_is_approved_and_started(club: Club, api: Api) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    draft = api.create()
    assert (draft.state, draft.created_by) == (pb.BillRun.STATE_DRAFT, "operator")
    club.do_tasks()
    for begin in (api.start, lambda: api.change("Resume", draft)):
        with pytest.raises(FailedPrecondition, match="approve"):
            begin()
    approved = api.change("Approve", draft)
    assert (approved.state, approved.approved_by) == (pb.BillRun.STATE_APPROVED, "operator")
    with pytest.raises(FailedPrecondition, match="start it"):
        api.change("Resume", draft)
    club.do_tasks()
    assert club.one("SELECT count(*) FROM invoice") == 0
    assert api.start().name == draft.name
    club.do_tasks()
    assert club.one("SELECT state FROM bill_run") == "submitted"
    assert club.one("SELECT count(*) FROM invoice") == 1
    with pytest.raises(FailedPrecondition):
        api.change("Approve", draft)


def test_bil_1_a_day_has_one_run_of_a_scope(club: Club, api: Api) -> None:
    api.create()
    with pytest.raises(AlreadyExists):
        api.create()
    with pytest.raises(NotFound):
        api.change("Cancel", pb.BillRun(name=f"{PARENT}/billRuns/{UUID(int=9)}"))


class Stops:
    """Cancels a run when so many pages are billed."""

    def __init__(self, club: Club, pages_first: int) -> None:
        self._club, self._left, self._due = club, pages_first, club.due

    def close_bill_dates(self, *args: Any) -> Sequence[int]:
        return self._due.close_bill_dates(*args)

    def pages(self, *args: Any) -> Iterator[DuePage]:
        for page in self._due.pages(*args):
            if self._left == 0:
                with self._club.units.begin(self._club.context()) as tx:
                    run_id = tx.connection.scalar(sa.text("SELECT id FROM bill_run"))
                    commands.cancel_run(tx, run_id)
            self._left -= 1
            yield page


@pytest.mark.parametrize("at_once", [1, 2, 3], ids=["a batch a payment", "a batch a page", "batches at the end"])
def test_bil_1_a_cancelled_run_keeps_what_is_billed_takes_back_what_isnt_sent_and_bills_the_rest_when_resumed(
    club: Club, api: Api, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_rules, "PAYMENTS_AT_ONCE", at_once)
    monkeypatch.setattr(batch_rules, "PAYMENTS_PER_BATCH", at_once)
    for number in range(6):
        club.add_account(f"M{number}")
    club.due.charges = [due(f"M{number}") for number in range(6)]
    run = api.start()
    whole, stops = club.due, Stops(club, pages_first=2)
    club.due = stops  # type: ignore[assignment]
    club.do_tasks()
    club.due = whole
    assert club.one("SELECT state FROM bill_run") == "cancelled"
    assert club.one("SELECT count(*) FROM invoice") == 4
    assert club.rows("SELECT DISTINCT state, batch_id FROM attempt") == [("not_attempted", None)]
    assert club.one("SELECT count(*) FROM batch") == 0
    club.assert_books()
    with pytest.raises(FailedPrecondition, match="resume"):
        api.start()
    resumed = api.change("Resume", run)
    assert (resumed.state, resumed.round) == (pb.BillRun.STATE_BILLING, 2)
    club.do_tasks()
    assert club.one("SELECT state FROM bill_run") == "submitted"
    assert club.one("SELECT count(*), count(DISTINCT account_id) FROM invoice") == (6, 6)
    club.deliver()
    assert club.one("SELECT count(*) FROM invoice WHERE balance_minor > 0") == 0
    assert club.one("SELECT sum(amount_minor) FROM payment WHERE state = 'approved'") == 6 * 3500
    club.assert_books()


def test_bil_1_a_page_of_a_cancelled_run_is_not_billed(club: Club) -> None:
    club.add_account("M1")
    run = club.start_run()
    with club.units.begin(club.context()) as tx:
        commands.cancel_run(tx, run.id)
    with club.units.begin(club.context(DAY)) as tx:
        page = (Shard(unit_id(), 0, 1), DuePage([due("M1")], (), ""))
        assert pages.bill_pages(tx, run, [page]) is pages.Outcome.CANCELLED
    assert club.one("SELECT count(*) FROM invoice") == 0


def test_bil_1_what_is_with_the_processor_can_not_be_cancelled(club: Club, api: Api) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    run = api.start()
    club.do_tasks()
    with pytest.raises(FailedPrecondition, match="processor"):
        api.change("Cancel", run)


def test_bil_1_a_finished_run_that_is_run_again_bills_only_what_has_become_due_since(club: Club, api: Api) -> None:
    club.add_account("M1")
    club.add_account("M2")
    club.due.charges = [due("M1")]
    run = api.start()
    club.do_tasks()
    club.due.charges.append(due("M2"))
    api.change("Resume", run)
    club.do_tasks()
    assert club.rows("SELECT number FROM invoice ORDER BY 1") == [("M1-1",), ("M2-1",)]
    assert club.one("SELECT count(*) FROM attempt") == 2
    assert club.rows("SELECT number, state FROM batch ORDER BY 1") == [(1, "submitted"), (2, "submitted")]


def test_bil_1_progress_has_a_rate_and_counts_its_round(club: Club, api: Api) -> None:
    for number in range(3):
        club.add_account(f"M{number}")
    club.add_account("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
    club.due.charges = [due(f"M{number}") for number in range(3)]
    run = api.start()
    club.do_tasks()
    last = list(api.stub.WatchBillRun(pb.WatchBillRunRequest(name=run.name)))[-1]
    assert (last.invoices, last.round, last.shards, last.shards_done) == (3, 1, 1, 1)
    # What is collected of older invoices counts, too.
    assert (last.payments, last.amount_submitted) == (4, money_to_proto(Money(3 * 3500 + 2000, "USD")))
    assert last.invoices_per_second > 0


def test_bil_1_a_round_is_planned_once_and_cut_once_however_often_its_tasks_come(club: Club) -> None:
    club.add_account("M1")
    run = club.start_run()
    again = ([[Shard(unit_id(), 0, 1)]], [[Shard(unit_id(), 0, 2)], [Shard(unit_id(), 1, 2)]])
    for tasks, is_first in zip(again, (True, False), strict=True):
        with club.units.begin(club.context(DAY)) as tx:
            assert commands.plan_run(tx, run, tasks) is is_first
    assert club.rows("SELECT shard, shard_count FROM bill_run_shard") == [(0, 1)]
    club.due.charges = [due("M1")]
    club.wire.lose_batches = 1
    club.do_tasks()
    with club.units.begin(club.context(DAY)) as tx:
        commands.cut_batches(tx, run.id)
    # Its batch isn't with the processor yet, so neither is the run.
    assert club.one("SELECT state FROM bill_run") == "submitting"


def test_bil_3_a_batch_is_listed_with_count_and_amount_of_each_tender(club: Club, api: Api) -> None:
    for number, tender in (("M1", "VISA"), ("M2", "AMEX"), ("M3", "AMEX")):
        club.add_account(number, tender=tender)
    club.script["tok_M2", 1] = "D03"
    club.due.charges = [due("M1"), due("M2", amount_minor=1000), due("M3", amount_minor=500)]
    club.bill()
    club.deliver()
    (batch,) = api.stub.ListBatches(pb.ListBatchesRequest(parent=PARENT), timeout=5).batches
    assert (batch.number, batch.label) == (1, "Original")
    told = [
        (one.tender, one.payments, money_from_proto(one.amount), one.approved, one.declined) for one in batch.tenders
    ]
    assert told == [("AMEX", 2, Money(1500, "USD"), 1, 1), ("VISA", 1, Money(3500, "USD"), 1, 0)]


def divide(club: Club) -> None:
    """Let agreements tell that a unit belongs to a division now; versions of a feed count from 1."""
    fact = agreements_pb.BusinessUnitChanged(
        business_unit=f"{PARENT}/businessUnits/{unit_id(AUSTIN)}",
        display_name=AUSTIN,
        time_zone="America/Chicago",
        currency="USD",
        division=f"{PARENT}/divisions/{DIVISION_ID}",
    )
    club.feed(*[(events.UNIT_CHANGED, unit_id(AUSTIN), fact)] * 2)


def test_bil_1_a_run_of_a_division_bills_its_units_and_no_other(club: Club, api: Api) -> None:
    divide(club)
    club.add_account("M1")
    club.add_account("X1", business_unit=AUSTIN)
    club.due.charges = [due("M1"), due("X1")]
    club.due.unit_of = {due("X1").account_id: unit_id(AUSTIN)}
    run = api.start(f"{PARENT}/divisions/{DIVISION_ID}")
    assert run.scope == f"{PARENT}/divisions/{DIVISION_ID}"
    club.do_tasks()
    assert club.rows("SELECT number FROM invoice") == [("X1-1",)]
    with pytest.raises(NotFound):
        api.start(f"{PARENT}/divisions/{UUID(int=3)}")


@pytest.mark.parametrize("kind", list(ScopeKind))
def test_bil_1_a_run_collects_open_invoices_of_its_scope_only(club: Club, kind: ScopeKind) -> None:
    divide(club)
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add_account("X1", business_unit=AUSTIN, past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.set_clock(DAY + timedelta(days=7))
    ids = {ScopeKind.ENTERPRISE: ENTERPRISE_ID, ScopeKind.DIVISION: DIVISION_ID, ScopeKind.UNIT: unit_id(AUSTIN)}
    command = commands.StartBillRun(Scope(kind, ENTERPRISE_ID, ids[kind]), club.day)
    with club.units.begin(club.context()) as tx:
        commands.start_run(tx, command)
    club.do_tasks()
    paid = club.rows("SELECT account_number FROM attempt ORDER BY 1")
    assert paid == ([("M1",), ("X1",)] if kind is ScopeKind.ENTERPRISE else [("X1",)])


def test_bil_1_missed_days_are_caught_up_oldest_first_one_invoice_per_agreement_and_due_date(club: Club) -> None:
    club.add_account("M1")
    club.due.page_size = 10
    days = [DAY - timedelta(days=offset) for offset in (0, 30, 60)]
    club.due.charges = [due("M1", day, cycle=3 - place) for place, day in enumerate(days)]
    club.due.charges.append(due("M1", days[2], cycle=1, charge_key="locker/1/recurring", amount_minor=500))
    club.bill()
    found = club.rows("SELECT number, due_date, total_minor FROM invoice ORDER BY number")
    assert found == [("M1-1", days[2], 4000), ("M1-2", days[1], 3500), ("M1-3", days[0], 3500)]
    assert club.due.closed[0] == (unit_id(DENVER), DAY) or (unit_id(DENVER), DAY) in club.due.closed
    assert club.rows("SELECT DISTINCT kind FROM payment") == [("New",)]


def test_bil_1_a_manual_source_is_invoiced_and_never_collected_automatically(club: Club) -> None:
    club.add_account("M1")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE funding_source SET tender = 'Manual'"))
    club.due.charges = [due("M1")]
    run: BillRun = club.bill()
    assert club.one("SELECT balance_minor, next_attempt_date FROM invoice") == (3500, None)
    assert club.one("SELECT count(*) FROM payment") == 0
    assert club.one("SELECT agreement_number, reason FROM skipped_charge") == ("M1-1", "MANUAL_SOURCE")
    club.due.charges = []
    for offset in (1, 7, 14):
        club.play(DAY + timedelta(days=offset))
    assert club.one("SELECT count(*) FROM attempt") == 0
    assert run.scope == scope()


@pytest.mark.parametrize(
    ("change", "reason"), [("is_valid = false", "NO_VALID_SOURCE"), ("tender = 'Manual'", "MANUAL_SOURCE")]
)
def test_bil_1_the_share_of_an_invoice_that_nobody_is_asked_for_is_listed_with_its_reason(
    club: Club, api: Api, change: str, reason: str
) -> None:
    account = club.add_account("M1")
    with club.units.begin(club.context()) as tx:
        card = {"tender": "MC", "token": "tok_b", "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "is_on_account": False, "responsibility_percent": 40}
        add_source(tx, AddSource(account, {**card, **flags}))
    with club.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE funding_source SET {change} WHERE token = 'tok_b'"))
    club.due.charges = [due("M1")]
    (said,) = api.preview()
    assert (said.invoices[0].not_paid, "14.00 USD" in said.invoices[0].not_paid_description) == (reason, True)
    club.bill()
    assert club.rows("SELECT tender, amount_minor FROM payment") == [("VISA", 2100)]
    assert club.rows("SELECT agreement_number, reason FROM skipped_charge") == [("M1-1", reason)]


def test_bil_1_small_units_are_billed_together_with_what_is_open_in_one_transaction(club: Club) -> None:
    club.add_account("M1")
    club.add_account("X1", business_unit=AUSTIN)
    club.add_account("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
    club.due.charges = [due("M1"), due("X1", amount_minor=900)]
    club.due.unit_of = {due("X1").account_id: unit_id(AUSTIN)}
    club.bill()
    assert club.one("SELECT count(*) FROM task WHERE name IN ('bill-run-shard', 'bill-run-collect')") == 1
    shards = club.rows(
        "SELECT business_unit_id, invoices, invoiced_minor, payments, payments_minor, is_done FROM bill_run_shard"
    )
    mine = [(unit_id(DENVER), 1, 3500, 1, 3500, True), (unit_id(AUSTIN), 1, 900, 1, 900, True)]
    assert sorted(shards) == sorted(mine)
    assert club.one("SELECT count(*) FROM attempt WHERE state = 'pending'") == 3
    club.assert_books()


@given(st.lists(st.integers(1, 1500), max_size=40))
def test_bil_1_every_shard_is_dealt_once_and_no_task_is_big(sizes: list[int]) -> None:
    shards = [(Shard(UUID(int=number), 0, 1), size) for number, size in enumerate(sizes)]
    tasks = deal(shards)
    dealt = [shard for task in tasks for shard in task]
    assert sorted(dealt, key=lambda one: one.business_unit_id) == [shard for shard, _ in shards]
    size_of = dict(shards)
    assert all(len(task) == 1 or sum(size_of[one] for one in task) <= AGREEMENTS_PER_TASK for task in tasks)
    assert all(read_shards(write_shards(task), 1) == task for task in tasks)
