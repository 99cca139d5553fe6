"""A run may die anywhere: nothing is billed or charged twice, nothing is lost (SPEC BIL-1, BIL-8)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, record, unit_id

from boss_billing import events
from boss_billing.adapters.port import Repeatability
from boss_billing.batches.rules import Submission, deal
from boss_billing.callbacks.rules import ResultCallback
from boss_billing.payments.rules import Label
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.unit_of_work import Transaction, UnitOfWork

MEMBERS = 7
STEPS = 8


class Died(BaseException):
    """Ends a process as a signal would: nothing catches it."""


class Mortal(UnitOfWork):
    """Ends the process at its n-th commit: right before it, or right after it."""

    def __init__(self, units: UnitOfWork, step: int, *, after: bool) -> None:
        super().__init__(units.engine, units.service, units._encode, test_clock=True)
        self.left, self.after = step, after

    @contextmanager
    def begin(self, context: Context) -> Iterator[Transaction]:
        self.left -= 1
        with super().begin(context) as tx:
            yield tx
            if self.left == 0 and not self.after:
                tx.flush()
                raise Died
        if self.left == 0:
            raise Died


def prepare(club: Club) -> None:
    club.add(*(record(f"M{number}") for number in range(MEMBERS)))
    club.add_account("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
    club.due.charges = [due(f"M{number}") for number in range(MEMBERS)]


def assert_billed_once(club: Club) -> None:
    assert club.one("SELECT count(*) FROM invoice WHERE kind = 'billed'") == MEMBERS
    assert club.one("SELECT count(*) FROM payment") == MEMBERS + 1
    assert club.one("SELECT count(*) FROM attempt") == MEMBERS + 1
    assert club.one("SELECT count(*) FROM sandbox_attempt") == MEMBERS + 1
    assert club.one("SELECT state FROM bill_run") == "submitted"
    assert len(club.facts(events.CHARGE_BILLED)) == MEMBERS
    assert len(club.facts(events.PAYMENT_SUBMITTED)) == MEMBERS + 1
    club.deliver()
    assert club.one("SELECT count(*) FROM invoice WHERE balance_minor > 0") == 0
    club.assert_books()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_bil_1_a_run_that_dies_around_any_commit_bills_everything_once(club: Club, step: int, after: bool) -> None:
    prepare(club)
    club.start_run()
    whole = club.units
    club.units = Mortal(whole, step, after=after)
    with pytest.raises(Died):
        club.do_tasks()
    club.units = whole
    club.do_tasks()
    assert_billed_once(club)


def test_bil_1_a_run_of_the_tests_has_no_more_commits_than_those_tried(club: Club) -> None:
    prepare(club)
    club.start_run()
    club.units = Mortal(club.units, STEPS + 1, after=False)
    club.do_tasks()


@pytest.mark.parametrize("repeatability", [Repeatability.IDEMPOTENT, Repeatability.QUERYABLE])
@pytest.mark.parametrize("lost", ["lose_answers", "lose_batches"])
def test_bil_8_a_submission_without_an_answer_is_unknown_then_asked_for_and_repaired(
    club: Club, repeatability: Repeatability, lost: str
) -> None:
    prepare(club)
    club.wire.inner.repeatability = repeatability
    setattr(club.wire, lost, 1)
    club.bill()
    assert club.one("SELECT state FROM batch") == "unknown"
    assert club.rows("SELECT DISTINCT state FROM payment") == [("unknown",)]
    assert club.facts(events.PAYMENT_DECLINED) == []
    assert club.one("SELECT state FROM bill_run") == "submitting"
    club.ask("ask-processor")
    assert_billed_once(club)


def test_bil_8_with_neither_key_nor_query_a_lost_answer_stays_unknown_and_is_never_sent_again(club: Club) -> None:
    prepare(club)
    club.wire.inner.repeatability = Repeatability.NEITHER
    club.wire.lose_batches = 1
    club.bill()
    club.ask("ask-processor")
    assert len(club.wire.submissions) == 1
    assert club.rows("SELECT DISTINCT state FROM payment") == [("unknown",)]


def test_bil_1_an_invoice_has_at_most_one_payment_in_flight_per_source(club: Club) -> None:
    prepare(club)
    club.bill()
    copy = """
        INSERT INTO payment SELECT enterprise_id, business_unit_id, gen_random_uuid(), account_id, invoice_id,
            funding_source_id, bill_run_id, kind, state, tender, is_primary, amount_minor, currency, payment_date
        FROM payment LIMIT 1
    """
    with pytest.raises(sa.exc.IntegrityError), club.engine.begin() as connection:
        connection.execute(sa.text(copy.replace("payment_date\n", "payment_date, NULL, '', '', false, '', now()\n")))


def test_bil_10_nothing_in_the_ledger_can_be_changed_or_deleted(club: Club) -> None:
    prepare(club)
    for statement in ("UPDATE transfer SET amount_minor = 1", "DELETE FROM transfer", "TRUNCATE transfer"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), club.engine.begin() as connection:
            connection.execute(sa.text(statement))


def test_bil_1_a_killed_process_loses_and_doubles_nothing(club: Club, database_url: str) -> None:
    """A real `run` process is killed with SIGKILL again and again while it bills."""
    prepare(club)
    club.start_run()
    script = Path(__file__).parent / "run_tasks.py"
    for delay_s in (0.0, 0.02, 0.05, 0.1):
        command = [sys.executable, str(script), database_url, str(MEMBERS)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay_s)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with club.engine.begin() as connection:
        connection.execute(sa.update(schema.task).values(next_attempt_time=sa.func.now()))
    club.do_tasks()
    assert_billed_once(club)
    assert club.wire.inner.outstanding_results(ENTERPRISE_ID, Label.ORIGINAL, 10) == []


class TestSeveralBatches:
    """Small batches are submitted together, and each has its own fate."""

    @pytest.fixture
    def two_units(self, club: Club) -> Club:
        for number, unit in (("M1", DENVER), ("M2", DENVER), ("M3", AUSTIN)):
            account = club.add_account(number, business_unit=unit)
            club.due.unit_of[account.id] = account.business_unit_id
        club.due.charges = [due(number) for number in ("M1", "M2", "M3")]
        return club

    def test_bil_1_small_batches_of_a_run_go_to_the_processor_in_one_task(self, two_units: Club) -> None:
        two_units.bill()
        assert two_units.one("SELECT count(*) FROM task WHERE name = 'submit-batch'") == 1
        assert [len(one.attempts) for one in two_units.wire.submissions] == [1, 2]
        assert {one.business_unit_id for one in two_units.wire.submissions} == {unit_id(DENVER), unit_id(AUSTIN)}
        assert two_units.one("SELECT count(*) FROM batch WHERE state = 'submitted'") == 2

    def test_bil_8_bil_1_one_batch_without_an_answer_leaves_the_other_submitted_and_the_run_on_its_way(
        self, two_units: Club
    ) -> None:
        two_units.wire.lose_answers = 1
        two_units.bill()
        assert two_units.rows("SELECT state FROM batch ORDER BY number") == [("unknown",), ("submitted",)]
        assert two_units.one("SELECT state FROM bill_run") == "submitting"
        two_units.ask("ask-processor")
        assert two_units.rows("SELECT DISTINCT state FROM batch") == [("submitted",)]
        assert two_units.one("SELECT state FROM bill_run") == "submitted"
        assert len(two_units.facts(events.PAYMENT_SUBMITTED)) == 3

    def test_bil_8_where_nothing_can_be_repeated_a_batch_that_was_never_sent_is_not_unknown(
        self, two_units: Club
    ) -> None:
        two_units.wire.inner.repeatability = Repeatability.NEITHER

        def die(submission: Submission) -> Sequence[ResultCallback]:
            raise Died

        submit = two_units.wire.submit
        two_units.wire.submit = die  # type: ignore[method-assign]
        two_units.start_run()
        with pytest.raises(Died):
            two_units.do_tasks()
        two_units.wire.submit = submit  # type: ignore[method-assign]
        two_units.do_tasks()
        assert two_units.rows("SELECT state FROM batch ORDER BY number") == [("unknown",), ("submitted",)]


def test_bil_1_batches_are_dealt_to_tasks_by_size() -> None:
    ids = [unit_id(str(number)) for number in range(40)]
    assert deal([]) == []
    assert [len(group) for group in deal([(one, 3) for one in ids])] == [16, 16, 8]
    assert [len(group) for group in deal([(one, 1000) for one in ids[:5]])] == [2, 2, 1]
