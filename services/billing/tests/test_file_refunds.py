"""Refunds go out as credits in files, and their answers come back by file (SPEC BIL-8, BIL-11)."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from callback_calls import PARENT
from club import AUSTIN, DENVER, ENTERPRISE_ID, Club, agreement_id, ref, unit_id
from file_exchange import Exchange, Files
from test_crashes import Died, Mortal
from till import Till

from boss_billing.adapters.file_processor import FileProcessor
from boss_billing.adapters.places import Directory, UnclearError
from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.rules import RefundCallback, Resolution
from boss_billing.funding.rules import source_id
from boss_billing.refunds.commands import CreateReturn, create_return
from boss_billing.refunds.process import RefundFileProcesses
from boss_billing.refunds.rules import SEND_TASK, Destination, RefundFiler, ReturnLine, SubmittedRefunds
from boss_kit.tasks import TaskRunner
from boss_kit.unit_of_work import UnitOfWork

MEMBERS = ("M1", "M2", "M3", "M4", "M5")


def paid(files: Files, *numbers: str, unit: str = DENVER) -> None:
    files.bank.answer(files.bill(*(numbers or ("M1",)), unit=unit))
    files.read()


def refund(files: Files, *numbers: str) -> None:
    """Ask for a refund of what each member paid by card."""
    for number in numbers or ("M1",):
        Till(files.club).returned(number, 3500, to=Destination.FUNDING_SOURCE)


def run_process(files: Files, processor: RefundFiler | None = None, units: UnitOfWork | None = None) -> TaskRunner:
    """Make a `run` process that sends refunds."""
    processes = RefundFileProcesses(units or files.club.units, processor or files.processor)
    return TaskRunner(files.club.engine, {SEND_TASK: processes.send})


def send(files: Files, processor: RefundFiler | None = None, units: UnitOfWork | None = None) -> None:
    """Do all there is to do about refunds, now and when those that wait have waited."""
    runner = run_process(files, processor, units)
    for _ in range(2):
        while runner.run_one():
            pass
        wait(files.club)


def wait(club: Club) -> None:
    """Let the time of all tasks come."""
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE task SET next_attempt_time = now()")


def repeat(files: Files) -> None:
    """Do the tasks of all refunds again, as when a process dies before it can note that they are done."""
    with files.club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE task SET state = 'pending' WHERE name = 'refund-send'")
    send(files)


def refund_files(files: Files) -> list[Path]:
    return sorted(files.bank.folder.glob("requests/ref_*.txt"))


def refund_file(files: Files) -> Path:
    (request,) = refund_files(files)
    return request


def codes(request: Path) -> list[str]:
    """Give the refunds of a file, by their keys."""
    return [row.split("|")[2] for row in request.read_text().splitlines()[1:-1]]


def keys(club: Club) -> list[str]:
    return [str(row.id) for row in club.rows("SELECT id FROM refund ORDER BY id")]


def refund_states(club: Club) -> set[str]:
    return {row.state for row in club.rows("SELECT state FROM refund")}


def test_bil_11_a_refund_goes_out_as_a_credit_and_its_answer_comes_by_file(files: Files) -> None:
    paid(files)
    refund(files)
    send(files)
    assert files.club.one("SELECT state FROM refund") == "pending"
    request = refund_file(files)
    _, row, trailer = request.read_text().splitlines()
    refund_id = files.club.one("SELECT id FROM refund")
    unit = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    assert row == f"{unit}|credit|{refund_id}|tok_M1|VISA||2026-01-05|35.00|USD|Refund"
    assert trailer == "trailer|1"
    repeat(files)
    assert len(files.bank.requests()) == 2
    files.club.assert_books()
    files.bank.answer(request, code="A02")
    files.read()
    assert files.club.one("SELECT state, response_code, transaction_id FROM refund") == ("approved", "A02", "t0")
    assert Till(files.club).booked("refunds_in_transit") == 0
    files.club.assert_books()


def test_bil_11_a_credit_that_is_declined_by_file_is_credit_of_the_account_again(files: Files) -> None:
    paid(files)
    refund(files)
    send(files)
    files.bank.answer(refund_file(files), code="D06")
    files.read()
    assert files.club.one("SELECT state, response_code FROM refund") == ("declined", "D06")
    assert Till(files.club).owed("M1") == (0, 3500)
    files.club.assert_books()


def test_bil_8_one_bad_row_refuses_a_file_of_sales_and_credits_whole(files: Files) -> None:
    paid(files)
    sale = files.bill("M2", unit=AUSTIN)
    refund(files)
    send(files)
    credit = refund_file(files)
    # A processor may answer both in one file where it was asked in one.
    mixed = [*sale.read_text().splitlines()[:-1], credit.read_text().splitlines()[1], "trailer|2", ""]
    for place in ("requests", "sent"):
        (files.bank.folder / place / sale.name).write_text("\n".join(mixed))
    files.bank.answer(sale, change=lambda lines: [one.replace("|credit|", "|sale|") for one in lines])
    files.read()
    assert files.bank.refusal() == "line 3: operation 'sale' isn't what was asked for."
    assert files.club.one("SELECT count(*) FROM callback WHERE state = 'received'") == 0
    assert files.club.one("SELECT state FROM refund") == "pending"
    files.bank.answer(sale)
    files.read()
    assert files.club.one("SELECT state FROM refund") == "approved"
    assert files.states() == {"approved"}
    files.club.assert_books()


def test_bil_8_an_answer_about_another_amount_of_a_refund_is_an_exception_that_staff_resolve(files: Files) -> None:
    paid(files)
    refund(files)
    send(files)
    files.bank.answer(refund_file(files), change=lambda lines: [one.replace("|35.00|", "|34.00|") for one in lines])
    files.read()
    found = files.club.one("SELECT callback_id, state, reason FROM callback WHERE kind = 'refund_result'")
    assert (found.state, found.reason) == ("exception", "35.00 USD was to go back, the result is about 34.00 USD.")
    assert files.club.one("SELECT state FROM refund") == "pending"
    with files.club.units.begin(files.club.context()) as tx:
        how = Resolution.AS_SUBMITTED
        resolve_callback(tx, ResolveCallback("refund_result", found.callback_id, how, "their statement says 35.00"))
    assert files.club.one("SELECT state FROM refund") == "approved"
    files.club.assert_books()


def test_bil_11_refunds_that_wait_share_one_file_with_the_right_count_and_totals(files: Files) -> None:
    paid(files, *MEMBERS)
    refund(files, *MEMBERS)
    send(files)
    _, *rows, trailer = refund_file(files).read_text().splitlines()
    assert [row.split("|")[2] for row in rows] == keys(files.club)
    assert [row.split("|")[3] for row in rows] == [f"tok_{number}" for number in MEMBERS]
    assert sum(Decimal(row.split("|")[7]) for row in rows) == Decimal("175.00")
    assert trailer == "trailer|5"
    assert refund_states(files.club) == {"pending"}
    assert Till(files.club).booked("refunds_in_transit") == -17500
    files.bank.answer(refund_file(files), code="A02")
    files.read()
    assert refund_states(files.club) == {"approved"}
    assert Till(files.club).booked("refunds_in_transit") == 0
    files.club.assert_books()


def test_bil_11_a_file_of_refunds_holds_one_unit_and_what_comes_later_goes_into_the_next(files: Files) -> None:
    paid(files, "M1", "M2", "M4")
    paid(files, "M3", unit=AUSTIN)
    refund(files, "M1", "M2")
    with files.club.units.begin(files.club.context()) as tx:
        source = source_id(ref("M3", AUSTIN).id)
        to = Destination.FUNDING_SOURCE
        lines = [ReturnLine("Tour pack", "Retail", "10 tours", 3500, 0)]
        create_return(tx, CreateReturn(ref("M3", AUSTIN), agreement_id("M3"), lines, {"USD"}, to, source, "unused"))
    send(files)
    first = {path: set(codes(path)) for path in refund_files(files)}
    denver, austin = keys(files.club)[:2], keys(files.club)[2:]
    assert sorted(first.values(), key=len) == [set(austin), set(denver)]
    refund(files, "M4")
    send(files)
    (later,) = set(refund_files(files)) - set(first)
    assert codes(later) == keys(files.club)[3:]


def test_bil_8_one_bad_row_refuses_a_file_of_refunds_whole(files: Files) -> None:
    paid(files, *MEMBERS)
    refund(files, *MEMBERS)
    send(files)
    files.bank.answer(refund_file(files), change=lambda lines: [*lines[:3], lines[3].replace("A01", ""), *lines[4:]])
    files.read()
    assert files.bank.refusal() == "line 4: response_code is empty."
    assert refund_states(files.club) == {"pending"}
    assert files.club.one("SELECT count(*) FROM callback WHERE kind = 'refund_result'") == 0


def test_bil_8_a_new_refund_waits_for_others_to_share_its_file_and_is_not_late_for_it(files: Files) -> None:
    paid(files, "M1", "M2")
    refund(files, "M1")
    runner = run_process(files)
    assert runner.run_one()
    assert not runner.run_one()
    assert refund_files(files) == []
    wait(files.club)
    refund(files, "M2")
    assert runner.run_one()
    assert codes(refund_file(files)) == keys(files.club)
    assert refund_states(files.club) == {"pending"}


def test_bil_8_another_process_leaves_a_file_alone_while_it_is_being_sent(files: Files) -> None:
    paid(files, *MEMBERS)
    refund(files, *MEMBERS[:4])
    other = run_process(files)

    class Slow:
        """A processor that takes its time; a refund more is asked for meanwhile, and another process is busy."""

        may_repeat = False
        sent = 0

        def refund_together(self, submission: SubmittedRefunds) -> None:
            self.sent += 1
            if self.sent == 1:
                refund(files, "M5")
                for _ in range(2):
                    while other.run_one():
                        pass
                    wait(files.club)
            files.processor.refund_together(submission)

    slow = Slow()
    send(files, slow)
    assert slow.sent == 1
    assert sorted(len(codes(path)) for path in refund_files(files)) == [1, 4]
    assert sorted(code for path in refund_files(files) for code in codes(path)) == keys(files.club)
    assert refund_states(files.club) == {"pending"}


COMMITS = 2
"""A file's refunds are gathered, then noted as sent."""


@pytest.mark.parametrize("keeps_taken", [True, False])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, COMMITS + 1))
def test_bil_8_a_process_that_dies_around_any_commit_sends_no_refund_twice(
    club: Club, exchange: Exchange, step: int, after: bool, keeps_taken: bool
) -> None:
    files = Files(club, exchange, keeps_taken=keeps_taken)
    paid(files, *MEMBERS)
    refund(files, *MEMBERS[:3])
    with pytest.raises(Died):
        send(files, units=Mortal(club.units, step, after=after))
    taken = [code for path in refund_files(files) for code in codes(path)]
    for path in refund_files(files):
        path.rename(path.parent / "taken" / path.name) if keeps_taken else path.unlink()
    refund(files, *MEMBERS[3:])
    wait(club)
    send(files)
    taken += [code for path in refund_files(files) for code in codes(path)]
    assert sorted(taken) == keys(club)
    was_recorded = keeps_taken or step == 1 or after
    states = club.rows("SELECT state FROM refund ORDER BY id")
    assert [row.state for row in states] == ["pending" if was_recorded else "unknown"] * 3 + ["pending"] * 2
    club.assert_books()


@pytest.mark.parametrize("keeps_taken", [True, False])
def test_bil_8_refunds_whose_process_died_before_the_request_appeared_go_out_only_where_that_can_be_told(
    club: Club, exchange: Exchange, keeps_taken: bool
) -> None:
    files = Files(club, exchange, keeps_taken=keeps_taken)
    paid(files, *MEMBERS)
    refund(files, *MEMBERS)

    class Deadly:
        """A place where a process dies when it writes a request, of which it has its copy."""

        @contextmanager
        def open(self) -> Iterator[Any]:
            with exchange.place.open() as there:
                write = there.write

                def dies(path: str, content: bytes) -> None:
                    if path.startswith("requests/"):
                        raise Died
                    write(path, content)

                there.write = dies  # type: ignore[method-assign]
                yield there

    with pytest.raises(Died):
        send(files, FileProcessor(Deadly(), keeps_taken=keeps_taken))
    wait(club)
    send(files)
    sent = [codes(path) for path in refund_files(files)]
    assert (refund_states(club), sent) == (({"pending"}, [keys(club)]) if keeps_taken else ({"unknown"}, []))
    club.assert_books()


@pytest.mark.parametrize("keeps_taken", [True, False])
def test_bil_8_refunds_that_wait_for_a_place_that_is_away_share_a_file_when_it_is_back(
    club: Club, exchange: Exchange, tmp_path: Path, keeps_taken: bool
) -> None:
    files = Files(club, exchange, keeps_taken=keeps_taken)
    paid(files, *MEMBERS)
    (tmp_path / "in the way").write_text("")
    away = FileProcessor(Directory(tmp_path / "in the way"), keeps_taken=keeps_taken)
    for number in MEMBERS:
        refund(files, number)
        send(files, away)
    assert refund_states(club) == {"created"}
    send(files)
    assert codes(refund_file(files)) == keys(club)
    assert refund_states(club) == {"pending"}


def test_bil_8_refunds_that_may_be_there_stay_together_when_the_place_is_away(
    club: Club, exchange: Exchange, tmp_path: Path
) -> None:
    files = Files(club, exchange, keeps_taken=True)
    paid(files, *MEMBERS)
    refund(files, *MEMBERS[:3])
    with pytest.raises(Died):
        send(files, units=Mortal(club.units, COMMITS, after=False))
    request = refund_file(files)
    (tmp_path / "in the way").write_text("")
    wait(club)
    send(files, FileProcessor(Directory(tmp_path / "in the way"), keeps_taken=True))
    refund(files, *MEMBERS[3:])
    send(files)
    assert [codes(path) for path in refund_files(files) if path != request] == [keys(club)[3:]]
    assert codes(request) == keys(club)[:3]
    assert refund_states(club) == {"pending"}


@pytest.mark.parametrize("keeps_taken", [True, False])
def test_bil_8_refunds_whose_line_went_dead_are_unknown_and_repeated_only_where_they_are_surely_not_there(
    club: Club, exchange: Exchange, keeps_taken: bool
) -> None:
    files = Files(club, exchange, keeps_taken=keeps_taken)
    paid(files, *MEMBERS)
    refund(files, *MEMBERS[:3])

    class Dead:
        """A place whose line goes dead over a request, which never appears."""

        @contextmanager
        def open(self) -> Iterator[Any]:
            with exchange.place.open() as there:
                write = there.write

                def goes_dead(path: str, content: bytes) -> None:
                    if path.startswith("requests/"):
                        raise UnclearError(path, "gone")
                    write(path, content)

                there.write = goes_dead  # type: ignore[method-assign]
                yield there

    send(files, FileProcessor(Dead(), keeps_taken=keeps_taken))
    assert refund_states(club) == {"unknown"}
    # Staff find out about the one whose key the file has.
    leader = str(club.one("SELECT DISTINCT sent_with FROM refund"))
    first = [one for one in keys(club) if one != leader]
    files.report_refund_results(ENTERPRISE_ID, [RefundCallback("by hand", leader, "t1", "A02", "", None)])
    refund(files, *MEMBERS[3:])
    wait(club)
    send(files)
    later = keys(club)[3:]
    assert sorted(codes(path) for path in refund_files(files)) == ([first, later] if keeps_taken else [later])
    by_key = {str(row.id): row.state for row in club.rows("SELECT id, state FROM refund")}
    assert by_key[leader] == "approved"
    assert {by_key[one] for one in first} == {"pending" if keeps_taken else "unknown"}
    assert {by_key[one] for one in later} == {"pending"}
    # The answer is read against what was asked at last.
    for path in refund_files(files):
        files.bank.answer(path, code="A02")
    files.read()
    assert files.club.one("SELECT count(*) FROM refund WHERE state = 'approved'") == (5 if keeps_taken else 3)
    club.assert_books()


def test_bil_8_staff_who_find_out_about_an_unknown_refund_report_it_by_the_same_door(files: Files) -> None:
    paid(files)
    refund(files)
    with pytest.raises(Died):
        send(files, units=Mortal(files.club.units, COMMITS, after=False))
    refund_file(files).unlink()
    wait(files.club)
    send(files)
    assert (refund_states(files.club), refund_files(files)) == ({"unknown"}, [])
    found = files.club.one("SELECT id FROM refund")
    files.report_refund_results(ENTERPRISE_ID, [RefundCallback("by hand", str(found), "t1", "A02", "", None)])
    assert refund_states(files.club) == {"approved"}
    files.club.assert_books()


def test_bil_8_a_refund_that_may_have_been_sent_alone_is_asked_for_alone(club: Club, exchange: Exchange) -> None:
    """What was on its way when refunds still had files of their own keeps its own."""
    files = Files(club, exchange, keeps_taken=True)
    paid(files, "M1", "M2")
    refund(files, "M1", "M2")
    alone, _ = keys(club)
    with club.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE refund SET sent_with = id, state = 'unknown' WHERE id = '{alone}'")
    there = exchange.folder / "requests" / "taken" / f"ref_{ENTERPRISE_ID}_20260105_{alone}.txt"
    there.write_text("")
    send(files)
    assert [codes(path) for path in refund_files(files)] == [keys(club)[1:]]
    assert refund_states(club) == {"pending"}


def test_bil_8_a_refund_another_processor_may_have_is_left_for_people(files: Files) -> None:
    """It was sent one by one, its answer got lost, and then the club changed to a processor with files."""
    paid(files, "M1", "M2")
    refund(files, "M1", "M2")
    elsewhere, here = keys(files.club)
    with files.club.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE refund SET state = 'unknown' WHERE id = '{elsewhere}'")
    send(files)
    assert codes(refund_file(files)) == [here]
    assert files.club.one("SELECT state FROM refund WHERE id = :id", id=elsewhere) == "unknown"
    assert files.club.rows("SELECT error FROM task WHERE state <> 'done'") == []
