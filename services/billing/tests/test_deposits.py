"""Deposits: statement files and callbacks, each once, booked from clearing to bank (SPEC BIL-8, BIL-9, BIL-10)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from boss.billing.v1 import deposit_service_pb2 as pb
from boss.billing.v1 import deposit_service_pb2_grpc as deposit_grpc
from club import AUSTIN, DAY, ENTERPRISE_ID, Club, due, request_id, unit_id, usd
from hypothesis import given
from hypothesis import strategies as st

from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice, Outcome, parts_of, share_out, spread
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"
HEADER = "deposit_id,statement,deposit_date,batch_number,label,tender,amount,fee,transaction_id\n"


def ask(text: str, **changes: Any) -> pb.ImportDepositsRequest:
    values = {"parent": PARENT, "source": "standard", "file_name": "jan.csv", "content": text.encode()}
    return pb.ImportDepositsRequest(**{**values, "request_id": request_id(), **changes})


def stub(server: Any) -> Any:
    return server.stub(deposit_grpc.DepositServiceStub)


def billed(club: Club, *tenders: str) -> int:
    """Bill one member per tender and give the batch's number."""
    for number, tender in enumerate(tenders, 1):
        card = {"exp_month": "", "exp_year": ""} if tender == "ACH" else {}
        club.add_account(f"M{number}", tender=tender, **card)
    club.due.charges = [due(f"M{number}") for number in range(1, len(tenders) + 1)]
    club.play(DAY)
    number: int = club.one("SELECT number FROM batch")
    return number


def balances(club: Club) -> dict[str, int]:
    rows = club.rows(
        """
        SELECT code, sum(amount) FROM (
            SELECT debit AS code, amount_minor AS amount FROM transfer
            UNION ALL SELECT credit, -amount_minor FROM transfer
        ) AS moved GROUP BY code HAVING sum(amount) <> 0
        """
    )
    return {row[0]: int(row[1]) for row in rows}


def test_bil_9_a_statement_moves_money_from_clearing_to_the_bank_and_the_fee_aside(club: Club, server: Any) -> None:
    number = billed(club, "VISA")
    answer = stub(server).ImportDeposits(
        ask(f"{HEADER}d1,S1,2026-01-07,{number},Original,VISA,35.00,0.90,\n"), timeout=5
    )
    assert (answer.new_deposits, answer.already_there) == (1, False)
    assert (answer.statement.gross, answer.statement.fee) == (usd(3500), usd(90))
    assert balances(club) == {"bank": 3410, "processor_fees": 90, "revenue": -3500}
    club.assert_books()


def test_bil_9_the_same_file_twice_is_once(club: Club, server: Any) -> None:
    number = billed(club, "VISA")
    content = f"{HEADER}d1,S1,2026-01-07,{number},,VISA,35.00,,\n"
    first = stub(server).ImportDeposits(ask(content), timeout=5)
    again = stub(server).ImportDeposits(ask(content, file_name="copy.csv"), timeout=5)
    assert (again.already_there, again.new_deposits, again.statement.name) == (True, 0, first.statement.name)
    assert club.one("SELECT count(*) FROM deposit") == 1
    listed = stub(server).ListDepositStatements(pb.ListDepositStatementsRequest(parent=PARENT), timeout=5)
    assert [one.file_name for one in listed.deposit_statements] == ["jan.csv"]


def test_bil_9_a_deposit_told_by_another_file_too_is_once(club: Club, server: Any) -> None:
    number = billed(club, "VISA", "MC")
    line = f"d1,S1,2026-01-07,{number},,VISA,35.00,,\n"
    stub(server).ImportDeposits(ask(HEADER + line), timeout=5)
    more = stub(server).ImportDeposits(ask(f"{HEADER}{line}d2,S1,2026-01-07,{number},,MC,35.00,,\n"), timeout=5)
    assert more.new_deposits == 1
    with pytest.raises(InvalidArgument, match="told before, and otherwise") as refused:
        stub(server).ImportDeposits(
            ask(f"{HEADER}d3,S1,2026-01-07,{number},,MC,1.00,,\n{line.replace('35.00', '34.00')}"), timeout=5
        )
    assert refused.value.violations[0].field == "content[line 3]"
    assert club.one("SELECT count(*) FROM deposit") == 2


@pytest.mark.parametrize(
    ("lines", "where", "why"),
    [
        ("d1,S1,2026-01-07,7,,VISA,35.00,,\nd2,S1,2026-13-07,7,,VISA,1.00,,\n", "line 3].deposit_date", "calendar"),
        ("d1,S1,2026-01-07,7,,VISA,35.0x,,\n", "line 2].amount", "not a number"),
        ("d1,S1,2026-01-07,7,,VISA,0.00,,\n", "line 2].amount", "zero"),
        ('d1,S1,2026-01-07,7,,VISA,"35,00",,\n', "line 2].amount", "1,234.56"),
        ('d1,S1,2026-01-07,7,,VISA,"1.234,56",,\n', "line 2].amount", "1,234.56"),
        ('d1,S1,2026-01-07,7,,VISA,35.00,"0,90",\n', "line 2].fee", "1,234.56"),
        ("d1,S1,2026-01-07,7,,VISA,100000000001,,\n", "line 2].amount", "100,000,000,000.00 USD either way"),
        ("d1,S1,0206-01-07,7,,VISA,35.00,,\n", "line 2].deposit_date", "1900 to 2199"),
        ("d1,S1,2026-01-07,seven,,VISA,35.00,,\n", "line 2].batch_number", "batch number"),
        ("d1,S1,2026-01-07,7,Second,VISA,35.00,,\n", "line 2].label", "Original, Retry"),
        ("d1,S1,2026-01-07,7,,DINERS,35.00,,\n", "line 2].tender", "VISA"),
        ("d1,S1,2026-01-07,7,,VISA,35.00,,4242 4242 4242 4242\n", "line 2].transaction_id", "card number"),
        ("d1,S1,2026-01-07,7,,VISA,35.00,,\nd1,S1,2026-01-07,7,,MC,35.00,,\n", "line 3]", "as is line 2"),
        ("d1,S1,2026-01-07,7,,VISA,35.00,,\nd2,S1,2026-01-0", "line 3]", "cells"),
        ('d1,"S1,2026-01-07,7,,VISA,35.00,,\n', "line 2]", "CSV"),
        ("", "content", "no deposits"),
    ],
)
def test_bil_9_a_bad_file_is_refused_whole_with_the_line_and_the_reason(
    club: Club, server: Any, lines: str, where: str, why: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        stub(server).ImportDeposits(ask(HEADER + lines), timeout=5)
    assert refused.value.reason == "STATEMENT_REFUSED"
    assert refused.value.violations[0].field.endswith(where)
    assert why in refused.value.violations[0].description
    assert club.one("SELECT count(*) FROM deposit") + club.one("SELECT count(*) FROM deposit_statement") == 0


def test_bil_9_thousands_may_be_set_apart_in_an_amount(club: Club, server: Any) -> None:
    line = f'd1,S1,2026-01-07,{billed(club, "VISA")},,VISA,"$1,234,567.80","1,000.5",\n'
    stub(server).ImportDeposits(ask(HEADER + line), timeout=5)
    assert club.one("SELECT gross_minor, fee_minor FROM deposit") == (123456780, 100050)


def test_bil_9_a_file_that_lacks_a_column_or_was_cut_is_refused(club: Club, server: Any) -> None:
    with pytest.raises(InvalidArgument, match="no column amount"):
        stub(server).ImportDeposits(ask("deposit_id,deposit_date,batch_number\nd,2026-01-07,1\n"), timeout=5)
    content = f"{HEADER}d1,S1,2026-01-07,7,,VISA,35.00,,\n"
    with pytest.raises(InvalidArgument, match="says 2"):
        stub(server).ImportDeposits(ask(content, line_count=2), timeout=5)
    for total in (usd(3501), money_to_proto(Money(3500, "EUR"))):
        with pytest.raises(InvalidArgument, match="come to"):
            stub(server).ImportDeposits(ask(content, total=total), timeout=5)
    with pytest.raises(InvalidArgument, match="UTF-8"):
        stub(server).ImportDeposits(ask("", content=HEADER.encode() + b"\xff\n"), timeout=5)
    with pytest.raises(NotFound, match="standard"):
        stub(server).ImportDeposits(ask(content, source="nobody"), timeout=5)


def test_bil_9_a_statement_of_another_unit_is_refused_with_the_line(club: Club, server: Any) -> None:
    number = billed(club, "VISA")
    content = f"{HEADER}d0,S1,2026-01-07,99,,VISA,35.00,,\nd1,S1,2026-01-07,{number},,VISA,35.00,,\n"
    with pytest.raises(InvalidArgument, match="another business unit") as refused:
        stub(server).ImportDeposits(ask(content, parent=f"{PARENT}/businessUnits/{unit_id(AUSTIN)}"), timeout=5)
    assert refused.value.violations[0].field == "content[line 3]"


def test_bil_9_a_file_that_may_have_lost_the_end_of_its_last_number_is_refused_unless_its_total_is_sent_along(
    club: Club, server: Any
) -> None:
    number = billed(club, "VISA")
    columns = {"deposit_date": "day", "batch_number": "batch", "amount": "amount"}
    source = pb.DepositSource(source="our bank", delimiter=",", date_format="YYYY-MM-DD", columns=columns)
    request = pb.UpdateDepositSourceRequest(parent=PARENT, deposit_source=source, request_id=request_id())
    stub(server).UpdateDepositSource(request, timeout=5)
    cut = f"day,batch,amount\n2026-01-07,{number},35"
    for changes in ({}, {"line_count": 1}):
        with pytest.raises(InvalidArgument, match="may have been cut") as refused:
            stub(server).ImportDeposits(ask(cut, source="our bank", **changes), timeout=5)
        assert refused.value.violations[0].field == "content[line 2]"
    assert club.one("SELECT count(*) FROM deposit") == 0
    whole = stub(server).ImportDeposits(ask(cut, source="our bank", total=usd(3500)), timeout=5)
    assert whole.new_deposits == 1


def test_bil_9_the_way_back_from_a_statement_leads_to_the_batches_it_is_for(club: Club, server: Any) -> None:
    number = billed(club, "VISA", "AMEX", "ACH")
    lines = (
        f"d1,S1,2026-01-07,{number},,VISA,35.00,1.00,\nd2,S1,2026-01-07,9,,MC,5.00,,\n"
        f"d3,S2,2026-01-07,{number},,AMEX,35.00,,\n"
    )
    stub(server).ImportDeposits(ask(HEADER + lines), timeout=5)

    def listed(**wanted: str) -> list[tuple[int, str]]:
        found, token = [], ""
        while not found or token:
            asked = pb.ListDepositsRequest(parent=PARENT, page_size=1, page_token=token, **wanted)
            page = stub(server).ListDeposits(asked, timeout=5)
            found += [(one.batch_number, one.tender) for one in page.deposits]
            token = page.next_page_token
        return found

    assert sorted(listed(statement="S1")) == sorted([(number, "VISA"), (9, "MC")])
    assert listed(statement="S2", source="standard") == [(number, "AMEX")]
    other = pb.ListDepositsRequest(parent=PARENT, statement="S2", source="our bank")
    assert not stub(server).ListDeposits(other, timeout=5).deposits


def test_bil_9_a_source_says_which_column_holds_what(club: Club, server: Any) -> None:
    number = billed(club, "VISA")
    content = f"Settled;Lot;Card;Net amount\n07.01.2026;#{number};Visa;$35.00\n"
    columns = {"deposit_date": "Settled", "batch_number": "Lot", "tender": "Card", "amount": "Net amount"}
    source = pb.DepositSource(source="our bank", delimiter=";", date_format="DD.MM.YYYY", columns=columns)
    request = pb.UpdateDepositSourceRequest(parent=PARENT, deposit_source=source, request_id=request_id())
    stub(server).UpdateDepositSource(request, timeout=5)
    stub(server).ImportDeposits(ask(content, source="our bank"), timeout=5)
    (found,) = stub(server).ListDeposits(pb.ListDepositsRequest(parent=PARENT), timeout=5).deposits
    assert (found.batch_number, found.tender, found.gross) == (number, "VISA", usd(3500))
    assert found.deposit_date == date_to_proto(DAY + timedelta(days=2))
    known = stub(server).ListDepositSources(pb.ListDepositSourcesRequest(parent=PARENT), timeout=5).deposit_sources
    assert [one.source for one in known] == ["bank", "our bank", "processor", "standard"]
    del source.columns["amount"]
    request = pb.UpdateDepositSourceRequest(parent=PARENT, deposit_source=source, request_id=request_id())
    with pytest.raises(InvalidArgument, match="amount needs a column"):
        stub(server).UpdateDepositSource(request, timeout=5)


def test_bil_9_a_file_can_be_checked_without_taking_it(club: Club, server: Any) -> None:
    content = f"{HEADER}d1,S1,2026-01-07,7,,VISA,35.00,,\n"
    answer = stub(server).ImportDeposits(ask(content, validate_only=True), timeout=5)
    assert (answer.new_deposits, club.one("SELECT count(*) FROM deposit")) == (1, 0)


def notice(batch_number: int, **changes: Any) -> DepositNotice:
    values = {
        "deposit_key": "d1", "source": "processor", "statement": "S1", "deposit_date": DAY + timedelta(days=2),
        "batch_number": batch_number, "label": "", "tender": "", "gross_minor": 3500, "fee_minor": 0, "currency": "USD",
    }  # fmt: skip
    return DepositNotice(**{**values, **changes})


def test_bil_8_deposits_called_back_are_taken_once_in_any_order(club: Club) -> None:
    number = billed(club, "VISA")
    with club.units.begin(club.context()) as tx:
        first = take_deposits(tx, [notice(number), notice(number), notice(number, gross_minor=1)])
    with club.units.begin(club.context()) as tx:
        later = take_deposits(tx, [notice(number), notice(999, deposit_key="d2")])
    assert [one.outcome for one in first] == [Outcome.NEW, Outcome.REPEATED, Outcome.CONFLICT]
    assert [one.outcome for one in later] == [Outcome.REPEATED, Outcome.NEW]
    assert balances(club) == {"bank": 7000, "clearing": -3500, "revenue": -3500}


def test_bil_9_a_deposit_of_a_whole_batch_pays_cards_before_amex_and_ach(club: Club) -> None:
    number = billed(club, "ACH", "AMEX", "VISA")
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [notice(number), notice(number, deposit_key="d2", gross_minor=7000, fee_minor=101)])
    rows = club.rows("SELECT deposit_key, tender, gross_minor, fee_minor FROM deposit ORDER BY deposit_key, part")
    assert [tuple(row) for row in rows] == [
        ("d1", "VISA", 3500, 0), ("d2", "AMEX", 3500, 50), ("d2", "ACH", 3500, 51),
    ]  # fmt: skip
    assert club.one("SELECT count(*) FROM transfer WHERE debit = 'clearing' AND source = 'deposit'") == 0
    with club.units.begin(club.context()) as tx:
        repeated = take_deposits(tx, [notice(number, deposit_key="d2", gross_minor=7000, fee_minor=101)])
    assert repeated[0].outcome is Outcome.REPEATED


def test_bil_9_a_deduction_goes_back_from_the_bank(club: Club) -> None:
    number = billed(club, "VISA")
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [notice(number), notice(number, deposit_key="d2", tender="VISA", gross_minor=-1000)])
    assert balances(club) == {"bank": 2500, "clearing": 1000, "revenue": -3500}


def test_bil_10_the_check_of_the_books_finds_a_deposit_that_is_booked_otherwise(club: Club) -> None:
    number = billed(club, "VISA")
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [notice(number, fee_minor=90), notice(number, deposit_key="d2", gross_minor=-100)])
    club.assert_books()
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE deposit SET gross_minor = 3499 WHERE deposit_key = 'd1'"))
    (problem,) = club.ledger().problems
    assert "come to 34.99 USD with fees of 0.90 USD, booked are 35.00 USD" in problem


@given(st.integers(1, 10**9), st.lists(st.integers(-5, 10**6), min_size=1, max_size=6))
def test_bil_9_spreading_and_sharing_out_lose_no_cent(amount: int, weights: list[int]) -> None:
    assert sum(spread(amount, weights)) == amount
    awaited = {f"T{place}": weight for place, weight in enumerate(weights)}
    assert sum(part for _, part in share_out(amount, awaited)) == amount
    parts = parts_of(notice(1, gross_minor=amount, fee_minor=amount // 3), unit_id(), awaited)
    assert sum(part.notice.gross_minor for part in parts) == amount
    assert sum(part.notice.fee_minor for part in parts) == amount // 3


def test_bil_9_a_deposit_of_a_whole_batch_pays_what_no_earlier_one_has_paid(club: Club) -> None:
    number = billed(club, "AMEX", "VISA")
    for key in ("d1", "d2"):
        with club.units.begin(club.context()) as tx:
            take_deposits(tx, [notice(number, deposit_key=key)])
    assert club.rows("SELECT deposit_key, tender FROM deposit ORDER BY 1") == [("d1", "VISA"), ("d2", "AMEX")]


def test_bil_9_a_deposit_of_a_whole_batch_pays_for_nothing_that_was_declined(club: Club) -> None:
    club.script["tok_M1", 1] = "D05"
    number = billed(club, "VISA", "AMEX")
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [notice(number)])
    assert club.rows("SELECT tender FROM deposit") == [("AMEX",)]


def test_bil_8_a_deposit_that_is_told_again_with_another_fee_is_no_repeat(club: Club) -> None:
    number = billed(club, "VISA")
    with club.units.begin(club.context()) as tx:
        told = take_deposits(tx, [notice(number, fee_minor=90), notice(number, fee_minor=91)])
    assert [one.outcome for one in told] == [Outcome.NEW, Outcome.CONFLICT]


def test_bil_8_two_sources_may_name_their_deposits_alike(club: Club) -> None:
    number = billed(club, "VISA")
    for source in ("processor", "bank"):
        with club.units.begin(club.context()) as tx:
            (told,) = take_deposits(tx, [notice(number, source=source, gross_minor=len(source))])
        assert told.outcome is Outcome.NEW
    assert club.rows("SELECT source, deposit_key, gross_minor FROM deposit ORDER BY 1") == [
        ("bank", "d1", 4),
        ("processor", "d1", 9),
    ]


def test_bil_9_an_enterprises_own_columns_of_a_source_go_before_those_that_hold_for_all(
    club: Club, server: Any
) -> None:
    columns = {"deposit_date": "Settled", "batch_number": "Lot", "amount": "Net"}
    own = pb.DepositSource(source="standard", delimiter=";", date_format="DD.MM.YYYY", columns=columns)
    request = pb.UpdateDepositSourceRequest(parent=PARENT, deposit_source=own, request_id=request_id())
    stub(server).UpdateDepositSource(request, timeout=5)
    listed = stub(server).ListDepositSources(pb.ListDepositSourcesRequest(parent=PARENT), timeout=5).deposit_sources
    assert [dict(one.columns) for one in listed if one.source == "standard"] == [columns]
