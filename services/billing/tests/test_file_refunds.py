"""Refunds go out as credits in files, and their answers come back by file (SPEC BIL-8, BIL-11)."""

from pathlib import Path
from typing import Any

import pytest
from callback_calls import PARENT
from club import AUSTIN, DENVER, ENTERPRISE_ID, Club, unit_id
from file_exchange import Exchange, Files
from till import Till

from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.rules import RefundCallback, Resolution
from boss_billing.refunds.process import RefundProcesses
from boss_billing.refunds.rules import Destination


def refund(files: Files, number: str = "M1") -> tuple[RefundProcesses, Any]:
    """Ask for a refund of what was paid by card; give what sends it, and the task."""
    Till(files.club).returned(number, 3500, to=Destination.FUNDING_SOURCE)
    refund_id = files.club.one("SELECT id FROM refund")
    task: Any = type("Task", (), {"args": {"refund": str(refund_id)}, "context": files.club.context()})
    return RefundProcesses(files.club.units, files.processor), task


def paid(files: Files) -> None:
    files.bank.answer(files.bill("M1"))
    files.read()


def refund_file(files: Files) -> Path:
    (request,) = files.bank.folder.glob("requests/ref_*.txt")
    return request


def test_bil_11_a_refund_goes_out_as_a_credit_and_its_answer_comes_by_file(files: Files) -> None:
    paid(files)
    processes, task = refund(files)
    processes.send(task)
    assert files.club.one("SELECT state FROM refund") == "pending"
    request = refund_file(files)
    _, row, trailer = request.read_text().splitlines()
    refund_id = files.club.one("SELECT id FROM refund")
    unit = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    assert row == f"{unit}|credit|{refund_id}|tok_M1|VISA||2026-01-05|35.00|USD|Refund"
    assert trailer == "trailer|1"
    processes.send(task)
    assert len(files.bank.requests()) == 2
    files.club.assert_books()
    files.bank.answer(request, code="A02")
    files.read()
    assert files.club.one("SELECT state, response_code, transaction_id FROM refund") == ("approved", "A02", "t0")
    assert Till(files.club).booked("refunds_in_transit") == 0
    files.club.assert_books()


def test_bil_11_a_credit_that_is_declined_by_file_is_credit_of_the_account_again(files: Files) -> None:
    paid(files)
    processes, task = refund(files)
    processes.send(task)
    files.bank.answer(refund_file(files), code="D06")
    files.read()
    assert files.club.one("SELECT state, response_code FROM refund") == ("declined", "D06")
    assert Till(files.club).owed("M1") == (0, 3500)
    files.club.assert_books()


def test_bil_8_one_bad_row_refuses_a_file_of_sales_and_credits_whole(files: Files) -> None:
    paid(files)
    sale = files.bill("M2", unit=AUSTIN)
    processes, task = refund(files)
    processes.send(task)
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
    processes, task = refund(files)
    processes.send(task)
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


@pytest.mark.parametrize("keeps_taken", [True, False])
def test_bil_8_a_refund_whose_process_died_is_written_again_only_where_a_lost_request_can_be_told(
    club: Club, exchange: Exchange, keeps_taken: bool
) -> None:
    files = Files(club, exchange, keeps_taken=keeps_taken)
    paid(files)
    processes, task = refund(files)
    processes.send(task)
    refund_file(files).unlink()
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE refund SET state = 'created'")
    processes.send(task)
    state = club.one("SELECT state FROM refund")
    there = len(list(exchange.folder.glob("requests/ref_*.txt")))
    assert (state, there) == (("pending", 1) if keeps_taken else ("unknown", 0))
    # Staff who find out report it by the same door.
    found = club.one("SELECT id FROM refund")
    files.report_refund_results(ENTERPRISE_ID, [RefundCallback("by hand", str(found), "t1", "A02", "", None)])
    assert club.one("SELECT state FROM refund") == "approved"
    club.assert_books()
