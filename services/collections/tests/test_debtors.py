"""The report of who owes, over real gRPC and a real database (SPEC COL-1)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.collections.v1 import collections_service_pb2 as pb
from boss.collections.v1 import collections_service_pb2_grpc
from collections_facts import AUSTIN, DAY, DENVER, ENTERPRISE, Feed, account, open_item, unit_name
from google.type import date_pb2

from boss_kit.errors import InvalidArgument, NotFound, PermissionDenied
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto
from boss_kit.testing.server import ServerUnderTest
from boss_kit.testing.tokens import TokenMaker

PARENT = f"enterprises/{ENTERPRISE}"


def on(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def usd(minor: int) -> Any:
    return money_to_proto(Money(minor, "USD"))


def listed(collections: Any, **request: Any) -> list[pb.Debtor]:
    response = collections.ListDebtors(pb.ListDebtorsRequest(**{"parent": PARENT, **request}))
    return list(response.debtors)


def numbers(collections: Any, **request: Any) -> list[str]:
    return [debtor.number for debtor in listed(collections, **request)]


def owe(feed: Feed, number: str, balance_minor: int, due: date = DAY, unit: Any = DENVER) -> None:
    of = account(number, unit)
    feed.owes(of, DAY, open_item(of, due, balance_minor), number=number)


def test_col_1_a_row_says_who_owes_how_much_since_when_and_for_which_invoices(feed: Feed, collections: Any) -> None:
    of, cycle = account("M1"), uuid4()
    feed.unit()
    feed.member(of, "Zoë", "Silva")
    late, early = open_item(of, date(2026, 3, 1), 3500), open_item(of, date(2026, 2, 1), 2400, declined=True)
    feed.owes(of, DAY, late, early, number="M1")
    feed.enters_arm(of, cycle)
    (debtor,) = listed(collections)
    assert (debtor.account, debtor.number, debtor.display_name) == (of.name, "M1", "Zoë Silva")
    assert (debtor.balance, debtor.days_past_due, debtor.stage, debtor.in_arm) == (usd(5900), 37, "Not Set", True)
    assert [invoice.number for invoice in debtor.open_invoices] == ["I-0201", "I-0301"]
    first = debtor.open_invoices[0]
    assert (first.invoice, first.due_date, first.days_past_due) == (early.invoice, on(date(2026, 2, 1)), 37)
    assert (first.balance, first.total) == (usd(2400), usd(2500))


def test_col_1_who_owes_nothing_is_not_listed(feed: Feed, collections: Any) -> None:
    feed.owes(account("M1"), DAY, number="M1")
    assert listed(collections) == []


def test_col_1_the_greatest_balance_comes_first_then_the_account_number(feed: Feed, collections: Any) -> None:
    for number, balance in (("b", 100), ("a", 100), ("C", 100), ("d", 200)):
        owe(feed, number, balance)
    assert numbers(collections) == ["d", "C", "a", "b"]


def test_col_1_a_past_day_answers_what_was_owed_then(feed: Feed, collections: Any) -> None:
    of = account("M1")
    feed.owes(of, date(2026, 3, 1), open_item(of, date(2026, 2, 20), 5900), number="M1")
    feed.owes(of, date(2026, 3, 5), open_item(of, date(2026, 2, 20), 2000), number="M1")
    feed.owes(of, date(2026, 3, 8), number="M1")
    owed = {day: [d.balance for d in listed(collections, as_of_date=on(date(2026, 3, day)))] for day in range(1, 10)}
    assert owed == {day: [usd(5900)] if day < 5 else [usd(2000)] if day < 8 else [] for day in range(1, 10)}
    assert listed(collections, as_of_date=on(date(2026, 2, 28))) == []
    (then,) = listed(collections, as_of_date=on(date(2026, 3, 4)))
    assert then.days_past_due == 12


def test_col_1_of_one_day_the_last_balance_counts(feed: Feed, collections: Any) -> None:
    of = account("M1")
    first, second = (feed.balance(of, DAY, open_item(of, DAY, minor), number="M1") for minor in (100, 200))
    feed.send("billing", [first, second])
    assert [debtor.balance for debtor in listed(collections)] == [usd(200)]


def test_col_1_a_balance_that_arrives_late_does_not_undo_a_newer_one(feed: Feed, collections: Any) -> None:
    of = account("M1")
    older, newer = (feed.balance(of, DAY, open_item(of, DAY, minor), number="M1") for minor in (100, 200))
    feed.send("billing", [newer])
    feed.send("billing", [older])
    assert [debtor.balance for debtor in listed(collections)] == [usd(200)]


def test_col_1_a_day_that_billing_catches_up_later_is_newer_than_the_days_after_it(
    feed: Feed, collections: Any
) -> None:
    of = account("M1")
    feed.owes(of, DAY, open_item(of, DAY, 100), number="M1")
    feed.owes(of, DAY - timedelta(days=1), open_item(of, DAY, 300), number="M1")
    assert [debtor.balance for debtor in listed(collections)] == [usd(300)]


def test_col_1_days_past_due_choose_from_both_ends(feed: Feed, collections: Any) -> None:
    for days in (0, 5, 30):
        owe(feed, f"d{days}", 100, DAY - timedelta(days=days))
    assert numbers(collections, as_of_date=on(DAY), days_past_due_min=1) == ["d30", "d5"]
    assert numbers(collections, as_of_date=on(DAY), days_past_due_min=5, days_past_due_max=29) == ["d5"]
    assert numbers(collections, as_of_date=on(DAY), days_past_due_max=0) == ["d0"]


def test_col_1_balance_range_chooses_in_its_own_currency(feed: Feed, collections: Any) -> None:
    for minor in (100, 200, 300):
        owe(feed, f"b{minor}", minor)
    euros = account("euros")
    feed.owes(euros, DAY, open_item(euros, DAY, 250, currency="EUR"), number="euros", currency="EUR")
    assert numbers(collections, balance_min=usd(200)) == ["b300", "b200"]
    assert numbers(collections, balance_min=usd(150), balance_max=usd(200)) == ["b200"]
    with pytest.raises(InvalidArgument, match="balance_max: must be in USD"):
        listed(collections, balance_min=usd(1), balance_max=money_to_proto(Money(5, "EUR")))


def test_col_1_stage_arm_and_agreement_status_choose(feed: Feed, collections: Any) -> None:
    for number in ("M1", "M2"):
        owe(feed, number, 100)
    feed.enters_arm(account("M1"), uuid4())
    feed.agreement(account("M1"), "Active")
    feed.agreement(account("M2"), "Cancelled")
    feed.handed_over(account("M2"))
    assert numbers(collections, stage="Pending") == ["M2"]
    assert numbers(collections, stage="Not Set") == ["M1"]
    assert numbers(collections, in_arm=True) == ["M1"]
    assert numbers(collections, in_arm=False) == ["M2"]
    assert numbers(collections, agreement_status="Cancelled") == ["M2"]
    with pytest.raises(InvalidArgument, match=r"agreement_status: 'Canceled' is no status; there are: .*Cancelled"):
        listed(collections, agreement_status="Canceled")


def test_col_1_an_exit_ends_only_its_own_cycle(feed: Feed, collections: Any) -> None:
    owe(feed, "M1", 100)
    first, second = uuid4(), uuid4()
    feed.enters_arm(account("M1"), first)
    feed.leaves_arm(account("M1"), first)
    assert not listed(collections)[0].in_arm
    feed.enters_arm(account("M1"), second)
    feed.leaves_arm(account("M1"), first)
    assert listed(collections)[0].in_arm


def test_col_1_without_a_day_each_unit_has_its_own_today(
    feed: Feed, collections: Any, clock: Callable[[datetime], None]
) -> None:
    clock(datetime(2026, 3, 11, 3, tzinfo=UTC))
    feed.unit(DENVER, "America/Denver")
    feed.unit(AUSTIN, "Asia/Tokyo")
    owe(feed, "denver", 100, date(2026, 3, 1), DENVER)
    owe(feed, "tokyo", 100, date(2026, 3, 1), AUSTIN)
    assert {debtor.number: debtor.days_past_due for debtor in listed(collections)} == {"denver": 9, "tokyo": 10}


def test_col_1_a_business_unit_lists_only_its_own(feed: Feed, collections: Any) -> None:
    owe(feed, "denver", 100, unit=DENVER)
    owe(feed, "austin", 100, unit=AUSTIN)
    assert numbers(collections, parent=unit_name(AUSTIN)) == ["austin"]


def test_all_3_pages_give_every_debtor_once_and_in_order(feed: Feed, collections: Any) -> None:
    for index in range(7):
        owe(feed, f"M{index}", 100 * (index % 3 + 1))
    found: list[str] = []
    request = pb.ListDebtorsRequest(parent=PARENT, page_size=2)
    while True:
        response = collections.ListDebtors(request)
        assert len(response.debtors) <= 2
        found += [debtor.number for debtor in response.debtors]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert found == ["M2", "M5", "M1", "M4", "M0", "M3", "M6"] == numbers(collections)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"parent": "enterprises/none"}, "parent"),
        ({"stage": "Lost"}, "stage"),
        ({"days_past_due_min": -1}, "days_past_due_min"),
        ({"as_of_date": date_pb2.Date(year=2026)}, "as_of_date"),
        ({"page_token": "made up"}, "page_token"),
    ],
)
def test_all_3_a_wrong_field_is_named(collections: Any, request_: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        listed(collections, **request_)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_all_3_a_page_token_belongs_to_its_filters(feed: Feed, collections: Any) -> None:
    owe(feed, "M1", 100)
    owe(feed, "M2", 100)
    token = collections.ListDebtors(pb.ListDebtorsRequest(parent=PARENT, page_size=1)).next_page_token
    with pytest.raises(InvalidArgument, match="page_token"):
        listed(collections, stage="Sent", page_token=token)


def test_col_1_a_unit_nobody_has_heard_of_is_not_found(collections: Any) -> None:
    with pytest.raises(NotFound, match="heard of no business unit"):
        listed(collections, parent=unit_name())


def test_col_1_a_token_for_one_unit_sees_only_that_one(feed: Feed, server: ServerUnderTest, tokens: TokenMaker) -> None:
    owe(feed, "denver", 100, unit=DENVER)
    owe(feed, "austin", 100, unit=AUSTIN)
    token = tokens.token("anna", ["collector"], [unit_name(DENVER)])
    anna = server.stub(collections_service_pb2_grpc.CollectionsServiceStub, token)
    assert numbers(anna, parent=unit_name(DENVER)) == ["denver"]
    for parent in (unit_name(AUSTIN), PARENT):
        with pytest.raises(PermissionDenied):
            listed(anna, parent=parent)


def test_a_page_of_balances_looks_only_at_its_own_accounts_however_many_there_are(
    feed: Feed, engine: sa.Engine
) -> None:
    for number in range(50):
        owe(feed, f"M{number}", 100)
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "numbers" in parameters:
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    owe(feed, "M0", 200)
    sa.event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    with engine.connect() as connection:
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    assert "using account_pkey" in plan, plan
    assert "Limit" in plan, "one row for each account of the page: without a limit a join may read all accounts"
