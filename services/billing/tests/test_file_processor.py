"""A processor that works with files, in a folder or over SFTP: a file is taken whole or refused whole (SPEC BIL-8)."""

import os
from datetime import timedelta

import pytest
from callback_calls import PARENT
from club import AUSTIN, DAY, DENVER, Club, due, unit_id
from file_exchange import Change, Exchange, Files

from boss_billing.adapters.file_pickup import FilePickup
from boss_billing.adapters.port import Repeatability
from boss_billing.batches.rules import SUBMIT_TASK


def test_bil_8_a_batch_goes_out_as_a_pipe_delimited_file_with_named_columns(files: Files) -> None:
    request = files.bill("M1", "M2")
    lines = request.read_text().splitlines()
    assert lines[0] == "business_unit|operation|transaction_code|account|type|accessory|date|amount|currency|memo"
    unit, operation, code, *rest = lines[1].split("|")
    assert unit == f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    assert operation == "sale"
    assert code in {str(row.id) for row in files.club.rows("SELECT id FROM attempt")}
    assert rest == ["tok_M1", "VISA", "1230", "2026-01-05", "35.00", "USD", "Gold Monthly"]
    assert lines[3] == "trailer|2"
    assert files.states() == {"pending"}


def test_bil_8_a_response_file_of_the_requests_name_brings_the_results_once(files: Files) -> None:
    request = files.bill("M1", "M2")
    response = files.bank.answer(request)
    files.read()
    assert files.states() == {"approved"}
    assert not response.exists()
    assert (files.bank.folder / "done" / "responses" / request.name).is_file()
    files.club.assert_books()


def in_last_row(old: str, new: str) -> Change:
    """Change the last row of two."""
    return lambda lines: [*lines[:2], lines[2].replace(old, new), lines[3]]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda lines: lines[: len(lines) // 2], "line 2: the file ends without its trailer: it was cut."),
        (lambda lines: [*lines[:-1], "trailer|3"], "line 4: the trailer counts '3' rows, the file has 2."),
        (lambda lines: [lines[0], lines[1], "trailer|1"], "line 3: the request has 2 rows, this file answers 1."),
        (
            lambda lines: [*lines[:2], lines[1], "trailer|2"],
            "is answered on line 2 already.",
        ),
        (lambda lines: [lines[0], lines[1], lines[2] + "|x", lines[3]], "line 3: has 15 columns, the header has 14."),
        (lambda lines: [line.replace("|35.00|", "|much|") for line in lines], "line 2: amount: 'much' is not a number"),
        (lambda lines: [line.replace("|A01|", "||") for line in lines], "line 2: response_code is empty."),
        (lambda lines: [line.replace("response_code", "code") for line in lines], "line 1: the header lacks"),
        (
            lambda lines: [line.replace(str(unit_id(DENVER)), str(unit_id(AUSTIN))) for line in lines],
            "isn't the unit whose payment this is.",
        ),
        (lambda lines: [], "line 1: the file ends without its trailer: it was cut."),
        (
            lambda lines: [lines[0] + "|amount", *(f"{one}|1.00" for one in lines[1:3]), lines[3]],
            "names 'amount' twice",
        ),
        (lambda lines: [line.replace("|USD|", "|usd|") for line in lines], "line 2: amount: is in 'usd', which isn't"),
        (lambda lines: [line.replace("|35.00|", "|1e999999|") for line in lines], "line 2: amount: '1e999999' is not"),
        (in_last_row("|Said so", '|"Said so'), "can't be read: "),
        (in_last_row("|Said so", "|" + "x" * 140_000), "line 3: can't be read"),
        (in_last_row("|t1|", f"|{'t' * 200}|"), "line 3: result_id must be at"),
        (in_last_row("Said so", "4111 1111 1111 1111"), "line 3: message holds"),
        (in_last_row("Said so", "Said\0so"), "line 3: message holds a NUL"),
    ],
    ids=[
        *("cut", "count", "short", "twice", "columns", "amount", "code", "header", "unit", "empty", "column twice"),
        *("currency", "power of ten", "open quote", "endless cell", "too long an id", "card number", "NUL"),
    ],
)
def test_bil_8_a_bad_response_file_is_refused_whole_with_the_line(files: Files, change: Change, refusal: str) -> None:
    request = files.bill("M1", "M2")
    files.bank.answer(request, change=change)
    files.read()
    assert refusal in files.bank.refusal()
    assert files.states() == {"pending"}
    assert files.club.one("SELECT count(*) FROM callback") == 0


def test_bil_8_a_response_file_whose_last_line_is_cut_is_refused(files: Files) -> None:
    response = files.bank.answer(files.bill("M1"))
    response.write_bytes(response.read_bytes()[:-1])
    files.read()
    assert "it was cut" in files.bank.refusal()


def test_bil_8_a_response_file_that_is_no_text_is_refused_with_the_line(files: Files) -> None:
    response = files.bank.answer(files.bill("M1"))
    response.write_bytes(response.read_bytes().replace(b"Said so", b"\xff"))
    files.read()
    assert files.bank.refusal() == "line 2: isn't UTF-8 text."


def test_bil_8_a_response_file_as_windows_writes_it_is_taken(files: Files) -> None:
    response = files.bank.answer(files.bill("M1"))
    response.write_bytes(b"\xef\xbb\xbf" + response.read_bytes().replace(b"\n", b"\r\n"))
    files.read()
    assert files.states() == {"approved"}


def test_bil_8_a_bad_file_keeps_no_other_from_being_taken(files: Files) -> None:
    bad, good = sorted([files.bill("M1"), files.bill("M2", unit=AUSTIN)])
    files.bank.answer(bad, change=lambda lines: [line.replace("Said so", "4111 1111 1111 1111") for line in lines])
    files.bank.answer(good)
    files.read()
    assert "card number" in files.bank.refusal()
    assert files.states() == {"pending", "approved"}


def test_bil_8_a_repeated_response_file_is_refused_and_a_corrected_one_is_taken(files: Files) -> None:
    request = files.bill("M1")
    files.bank.answer(request, change=lambda lines: lines[:-1])
    files.read()
    assert files.states() == {"pending"}
    files.bank.answer(request)
    files.read()
    assert files.states() == {"approved"}
    files.bank.answer(request, code="D03")
    files.read()
    errors = [path.read_text() for path in (files.bank.folder / "refused" / "responses").glob("*.error")]
    assert min(errors) == "line 1: a file of this name was taken before.\n"
    assert files.states() == {"approved"}


def test_bil_8_a_response_file_to_no_request_or_another_units_is_refused(files: Files) -> None:
    denver, austin = files.bill("M1"), files.bill("M2", unit=AUSTIN)
    files.bank.answer(denver, name=austin.name)
    files.read()
    assert "isn't in the request of this name" in files.bank.refusal()
    files.bank.answer(denver, name="holiday_pictures.txt")
    files.bank.answer(denver, name=denver.name.replace("_1_", "_9_"))
    files.read()
    errors = {path.read_text() for path in (files.bank.folder / "refused" / "responses").glob("*.error")}
    assert "line 1: no request of this name was sent.\n" in errors
    assert len(errors) == 2
    assert files.states() == {"pending"}


def test_bil_8_an_amount_that_differs_in_a_file_is_an_exception(files: Files) -> None:
    files.bank.answer(files.bill("M1"), change=lambda lines: [one.replace("|35.00|", "|34.00|") for one in lines])
    files.read()
    assert files.states() == {"pending"}
    assert files.club.one("SELECT state FROM callback") == "exception"


def test_bil_8_a_file_that_is_still_being_written_is_left_alone(files: Files) -> None:
    response = files.bank.answer(files.bill("M1"))
    files.pickup = FilePickup(files.place, files, files.owners)
    files.read()
    assert response.exists()
    os.utime(response, (0, 0))
    files.read()
    assert files.states() == {"approved"}


def test_bil_8_a_file_whose_reader_died_is_taken_again_and_counts_once(files: Files) -> None:
    request = files.bill("M1")
    response = files.bank.answer(request)
    content = response.read_text()
    files.read()
    (files.bank.folder / "done" / "responses" / request.name).unlink()
    response.write_text(content)
    files.read()
    assert files.club.one("SELECT count(*) FROM callback") == 1
    files.club.assert_books()


@pytest.mark.parametrize(("keeps_taken", "offers"), [(True, Repeatability.QUERYABLE), (False, Repeatability.NEITHER)])
def test_bil_8_files_can_be_asked_for_only_where_taken_ones_are_kept(
    club: Club, exchange: Exchange, keeps_taken: bool, offers: Repeatability
) -> None:
    assert Files(club, exchange, keeps_taken=keeps_taken).processor.repeatability is offers


@pytest.mark.parametrize("place", ["requests", "requests/taken"])
def test_bil_8_a_request_that_was_written_or_taken_is_known_and_not_written_again(
    club: Club, exchange: Exchange, place: str
) -> None:
    files = Files(club, exchange, keeps_taken=True)
    request = files.bill("M1")
    request.rename(exchange.folder / place / request.name)
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batch SET state = 'unknown'; UPDATE payment SET state = 'unknown'")
        connection.exec_driver_sql("UPDATE attempt SET state = 'unknown'")
    club.ask("ask-processor")
    assert files.states() == {"pending"}
    assert len(files.bank.requests()) == (1 if place == "requests" else 0)


def test_bil_8_a_request_that_was_never_written_is_written_when_it_is_asked_for(club: Club, exchange: Exchange) -> None:
    files = Files(club, exchange, keeps_taken=True)
    request = files.bill("M1")
    request.unlink()
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batch SET state = 'submitting'")
    with club.units.begin(club.context()) as tx:
        tx.enqueue(SUBMIT_TASK, key="again", args={"batches": str(club.one("SELECT id FROM batch"))})
    club.do_tasks()
    assert files.bank.requests() == [request]


def test_bil_4_the_card_updater_is_asked_and_answers_by_files(files: Files) -> None:
    club = files.club
    club.settings(card_updater=True)
    files.bank.answer(files.bill("M1"), code="D16")
    files.read()
    club.ask("card-updater")
    (request,) = files.bank.folder.glob("requests/upd_*.txt")
    header, row, _ = request.read_text().splitlines()
    header += "|update_id|outcome|new_account|new_last4|new_accessory"
    answer = files.bank.folder / "updates" / request.name
    answer.write_text(f"{header}\n{row}|u1|NEW_EXPIRY|||1399\ntrailer|1\n")
    files.read()
    assert files.bank.refusal("updates") == "line 2: new_accessory '1399' isn't an expiry such as 0829."
    answer.write_text(f"{header}\n{row}|u1|NEW_EXPIRY|||0233\ntrailer|1\n")
    files.read()
    assert club.one("SELECT expiry_month, expiry_year FROM funding_source") == (2, 2033)
    club.do_tasks()
    assert club.one("SELECT count(*) FROM batch WHERE label = 'Retry' AND state = 'submitted'") == 1


def test_bil_4_cards_due_soon_are_asked_about_by_file_ahead_of_their_bill_day(files: Files) -> None:
    club = files.club
    club.settings(card_updater=True, updater_days_before=6)
    club.add_account("M1")
    club.due.charges = [due("M1", DAY + timedelta(days=6))]
    club.ask("card-updater")
    club.ask("card-updater", DAY + timedelta(days=1))
    (request,) = files.bank.folder.glob("requests/upd_*.txt")
    header, row, _ = request.read_text().splitlines()
    header += "|update_id|outcome|new_account|new_last4|new_accessory"
    answer = files.bank.folder / "updates" / request.name
    answer.write_text(f"{header}\n{row}|u1|NEW_NUMBER|tok_new|9999|0233\ntrailer|1\n")
    files.read()
    assert club.one("SELECT token, expiry_year FROM funding_source") == ("tok_new", 2033)
    assert club.rows("SELECT * FROM payment") == []


NEWS = "business_unit|update_id|account|outcome|new_account|new_last4|new_accessory"


def test_bil_4_updates_nobody_asked_for_come_in_files_of_any_name_and_renew_the_source(files: Files) -> None:
    club = files.club
    club.add_account("M1")
    unit = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    files.read()

    def news(name: str, *rows: str) -> None:
        text = "\n".join((NEWS, *rows, f"trailer|{len(rows)}", ""))
        (files.bank.folder / "updates" / name).write_text(text)
        files.read()

    news("bad.txt", f"{unit}|n1|tok_M1|NEW_NUMBER|tok_new|9999|0231", f"{unit}|n1|tok_M2|CLOSED|||")
    assert files.bank.refusal("updates") == "line 3: n1 is on line 2 already."
    assert club.one("SELECT token FROM funding_source") == "tok_M1"
    news("january.txt", f"{unit}|n1|tok_M1|NEW_NUMBER|tok_new|9999|0231", f"{unit}|n2|tok_M2|CLOSED|||")
    assert club.one("SELECT token, last4, expiry_month, expiry_year FROM funding_source") == (
        "tok_new",
        "9999",
        2,
        2031,
    )
    states = dict(club.rows("SELECT callback_id, state FROM callback"))
    assert states == {"n1": "applied", "n2": "unmatched"}


def test_bil_8_returns_come_in_files_of_their_own_and_count_once(files: Files) -> None:
    files.bank.answer(files.bill("M1"))
    files.read()
    files.write_returns(files.return_row())
    files.read()
    assert files.club.one("SELECT balance_minor FROM invoice") == 3500
    files.write_returns(files.return_row(), name="the same again.txt")
    files.read()
    assert files.club.one("SELECT count(*) FROM chargeback") == 1
    files.write_returns(files.return_row("r2"))
    files.read()
    assert files.bank.refusal("returns") == "line 1: a file of this name was taken before."
    files.club.assert_books()


def test_bil_8_a_bad_returns_file_is_refused_whole_with_the_line(files: Files) -> None:
    files.bank.answer(files.bill("M1"))
    files.read()
    good = files.return_row()
    bad = {
        "unit": ([good, files.return_row("r2", unit=AUSTIN)], "line 3: "),
        "twice": ([good, good], "line 3: r1 is on line 2 already."),
        "kind": ([good, files.return_row("r2", kind="GIFT")], "line 3: kind 'GIFT' isn't one of"),
        "day": ([good, files.return_row("r2", day="09.01.26")], "line 3: date '09.01.26' isn't one such as"),
        "nameless": ([good.replace("enterprises", "shops").replace("/", "-")], "isn't a business unit."),
    }
    for name, (rows, _) in bad.items():
        files.write_returns(*rows, name=f"{name}.txt")
    files.read()
    for name, (_, refusal) in bad.items():
        assert refusal in (files.bank.folder / "refused" / "returns" / f"{name}.txt.error").read_text()
    assert files.club.one("SELECT count(*) FROM callback WHERE kind = 'payment_return'") == 0
