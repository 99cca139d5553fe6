"""No enterprise sees, moves or is moved by what another one has, also where both chose the same ids (DESIGN 3)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from boss.options.v1 import options_pb2
from club import DAY, ENTERPRISE_ID, Club, due, ref
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hostile import live, requests, stub_class
from till import Till
from twin import add_twin, rows_of_twin

from boss_billing.app import SERVICE
from boss_billing.batches import rules
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.declines.commands import update_limit
from boss_billing.declines.rules import AttemptLimit, Per
from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice
from boss_billing.events import BALANCE_CHANGED, encode
from boss_kit.database import open_database
from boss_kit.errors import BossError
from boss_kit.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer

LATER = DAY + timedelta(days=40)


def lived(club: Club) -> None:
    """Let a club have something of everything."""
    live(club)
    batch = club.one("SELECT min(number) FROM batch")
    told = ("standard", "S1", DAY + timedelta(days=2))
    with club.units.begin(club.context()) as tx:
        take_deposits(tx, [DepositNotice("d1", *told, batch, "", "VISA", 3000, 90, "USD")])
        take_deposits(tx, [DepositNotice("d2", *told, 404, "", "VISA", 700, 10, "USD")])


def is_reading(method: MethodDescriptor) -> bool:
    return not method.GetOptions().Extensions[options_pb2.command] and not method.name.startswith(
        ("Update", "Report", "Import", "Resolve")
    )


def widely(good: Message) -> Message:
    """Give a request that asks for more: a long page of many days."""
    made = type(good)()
    made.CopyFrom(good)
    fields = made.DESCRIPTOR.fields_by_name
    part: Any = made
    if "page_size" in fields:
        part.page_size = 500
    for of in (part, part.filter) if "filter" in fields else (part,):
        if "end_date" in of.DESCRIPTOR.fields_by_name:
            of.end_date.year, of.end_date.month, of.end_date.day = LATER.year, LATER.month, LATER.day
        for name in ("tenders", "number", "batch_number", "statement", "source", "open_only", "only_differences"):
            if name in of.DESCRIPTOR.fields_by_name and not of.DESCRIPTOR.name.startswith("ListBatchTransactions"):
                of.ClearField(name)
    return made


def call(server: Any, method: MethodDescriptor, request: Message) -> Any:
    """Call a method; give its answer, or what it refused."""
    try:
        answer = getattr(server.stub(stub_class(method)), method.name)(request, timeout=20)
        return list(answer) if method.server_streaming else answer
    except BossError as error:
        return error.reason


def test_design_3_no_method_tells_of_another_enterprise_not_even_of_one_with_the_same_ids(
    club: Club, server: Any
) -> None:
    lived(club)
    asked = [(method, one) for method, good in requests(club) if is_reading(method) for one in (good, widely(good))]
    before = [call(server, *one) for one in asked]
    add_twin(club)
    for (method, request), answer in zip(asked, before, strict=True):
        assert call(server, method, request) == answer, method.full_name


def test_design_3_no_command_touches_another_enterprise_not_even_one_with_the_same_ids(club: Club, server: Any) -> None:
    lived(club)
    commands = [(method, good) for method, good in requests(club) if not is_reading(method)]
    add_twin(club)
    before = rows_of_twin(club)
    for method, good in commands:
        if not method.client_streaming:
            call(server, method, good)
            assert rows_of_twin(club) == before, method.full_name
    club.assert_books()


@pytest.fixture
def two_clubs(postgres_server: "PostgresServer", billing_template: str) -> Iterator[Callable[[], Club]]:
    """Give a function that makes clubs on databases of their own."""
    with ExitStack() as stack:

        def make() -> Club:
            url = stack.enter_context(postgres_server.database(billing_template))
            engine = open_database(url, 4)
            stack.callback(engine.dispose)
            return Club(UnitOfWork(engine, SERVICE.name, encode, test_clock=True))

        yield make


def story(club: Club, beginning: Callable[[Club], None]) -> Mapping[str, Any]:
    """Play weeks of a club after a beginning; give what became of it, without the ids."""
    club.settings(card_updater=True, updater_days_before=3)
    for number in ("M1", "M2", "M3", "M4"):
        club.add_account(number)
    club.script |= {("tok_M1", 1): "D03", ("tok_M2", 1): "D16", ("tok_M4", 1): "D13"}
    club.script |= {("tok_M3", attempt): "D03" for attempt in range(2, 9)}
    club.due.charges = [due(number) for number in ("M1", "M2", "M3", "M4")]
    till = Till(club)
    with club.units.begin(club.context()) as tx:
        update_limit(tx, ENTERPRISE_ID, AttemptLimit("VISA", Per.SOURCE, 4, 60))
    # The other one begins while results are awaited.
    club.bill()
    beginning(club)
    club.play(DAY)
    till.invoice("M1", 2000, 160)
    written = till.write_off("M1")
    fee = till.fee("M2", 500)
    club.script["tok_M3", 1] = "D03"
    club.due.charges = [due(number, DAY + timedelta(days=3), cycle=2) for number in ("M3", "M4")]
    for offset in (1, 3, 7, 8, 10, 14):
        club.play(DAY + timedelta(days=offset))
    till.write_on("M1", written.id)
    till.waive("M2", fee.id, 100)
    till.pay("M2", 700)
    mine = "enterprise_id = :e AND account_id = :account AND state = 'approved'"
    query = f"SELECT id FROM payment WHERE {mine} AND payment_date = :day"
    paid = club.one(query, e=ENTERPRISE_ID, account=ref("M3").id, day=DAY)
    till.take_back("M3", paid, 3500, ReturnKind.RETURN, code="D03")
    till.take_back("M3", paid, 1500, ReturnKind.REVERSAL, "r2")
    club.play(DAY + timedelta(days=21))
    club.assert_books()
    told = [events_pb.AccountBalanceChanged.FromString(one.data) for one in club.facts(BALANCE_CHANGED)]
    balances = sorted(
        (one.number, one.balance.units, one.attempt_in_flight, [item.declined for item in one.open_items])
        for one in told
    )
    return {name: club.rows(query, e=ENTERPRISE_ID) for name, query in _OUTCOMES.items()} | {"told": balances}


_OUTCOMES = {
    "accounts": "SELECT number, credit_minor, invoice_count, version FROM account WHERE enterprise_id = :e ORDER BY 1",
    "invoices": "SELECT number, kind, total_minor, balance_minor, is_declined, attempts, failed_attempts, declines, "
    "next_attempt_date FROM invoice WHERE enterprise_id = :e ORDER BY 1",
    "attempts": "SELECT business_date, account_number, invoice_number, attempt_no, label, state, response_code, "
    "amount_minor, result_date FROM attempt WHERE enterprise_id = :e ORDER BY 1, 2, 3, 4, 5",
    "payments": "SELECT payment_date, kind, state, amount_minor, final_date, is_recovered, next_attempt_date, "
    "next_attempt_reason FROM payment WHERE enterprise_id = :e ORDER BY 1, 2, 3, 4, 5, 8",
    "batches": "SELECT number, label, part, bill_date, state FROM batch WHERE enterprise_id = :e ORDER BY 1, 2, 3",
    "books": "SELECT business_date, debit, debit_detail, credit, credit_detail, source, amount_minor FROM transfer "
    "WHERE enterprise_id = :e ORDER BY 1, 2, 3, 4, 5, 6, 7",
    "sources": "SELECT token, is_valid, expiry_year, version FROM funding_source WHERE enterprise_id = :e ORDER BY 1",
    "inquiries": "SELECT business_date, bill_date, state, outcome FROM card_inquiry WHERE enterprise_id = :e "
    "ORDER BY 1, 2, 3, 4",
    "skipped": "SELECT agreement_number, reason, description FROM skipped_charge WHERE enterprise_id = :e "
    "ORDER BY 1, 2",
    "runs": "SELECT bill_date, state, collected_payments FROM bill_run WHERE enterprise_id = :e ORDER BY 1",
    "collected": "SELECT bill_date, collected.currency, amount_minor FROM bill_run_collected AS collected "
    "JOIN bill_run ON bill_run.id = bill_run_id WHERE collected.enterprise_id = :e AND bill_run.enterprise_id = :e "
    "ORDER BY 1",
}  # fmt: skip


def test_design_3_weeks_of_billing_go_as_they_would_without_another_enterprise_of_the_same_ids(
    two_clubs: Callable[[], Club], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "PAYMENTS_AT_ONCE", 2)
    alone = story(two_clubs(), lambda _club: None)
    assert [name for name, rows in alone.items() if not rows] == []
    club, twins = two_clubs(), []

    def add(club: Club) -> None:
        add_twin(club)
        twins.append(rows_of_twin(club))

    beside = story(club, add)
    for name, rows in alone.items():
        assert beside[name] == rows, name
    assert rows_of_twin(club) == twins[0]
