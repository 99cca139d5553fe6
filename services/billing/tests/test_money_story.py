"""Whatever happens to money: balances, ages and clearing accounts follow from transfers (SPEC BIL-10, BIL-11)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from boss.billing.v1 import adjustment_service_pb2 as adjustment_pb
from boss.billing.v1 import adjustment_service_pb2_grpc as adjustment_grpc
from club import DAY, ENTERPRISE_ID, Club, due, ref, request_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from till import Till

from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.declines import store as declines
from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice
from boss_billing.deposits.rules import Outcome as DepositOutcome
from boss_billing.funding.changes import AddSource, add_source
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.ledger.aging import Aged
from boss_billing.ledger.as_of import aged_accounts, aging, balance_as_of
from boss_billing.movements.commands import set_limit
from boss_billing.payments.rules import DESK_TENDERS, Label
from boss_billing.refunds.rules import Destination
from boss_billing.runs.commands import resume_run
from boss_billing.runs.rules import RunState
from boss_billing.statements.queries import get_statement
from boss_kit.context import Actor
from boss_kit.errors import FailedPrecondition
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_to_proto

NUMBERS = ("M1", "M2")
EVERYTHING = InvoiceScope(ENTERPRISE_ID)
AMOUNT = st.integers(1, 9000)
DESTINATIONS = st.sampled_from(Destination)
CODES = st.sampled_from(("A01", "A01", "A01", "D03", "D16", "D04", "D13", "D14", "X77"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NUMBERS),
        st.one_of(
            st.tuples(st.just("sale"), AMOUNT, st.integers(0, 900)),
            st.tuples(st.just("fee"), AMOUNT, st.integers(0, 900)),
            st.tuples(st.just("sale on account"), AMOUNT, st.integers(0, 30)),
            st.tuples(st.just("due"), AMOUNT, CODES),
            st.tuples(st.just("instalments due"), AMOUNT, CODES),
            st.tuples(st.just("due and in flight"), AMOUNT, CODES),
            st.tuples(st.just("results"), st.just(0), st.none()),
            st.tuples(st.just("share"), st.integers(1, 99), st.sampled_from(("tok_own", "tok_M1", "tok_M2"))),
            st.tuples(st.just("approval limit"), AMOUNT, st.booleans()),
            st.tuples(st.just("second person"), st.just(0), st.booleans()),
            st.tuples(st.just("pay"), AMOUNT, st.sampled_from(DESK_TENDERS)),
            st.tuples(st.just("pay newest"), AMOUNT, st.just("CASH")),
            st.tuples(st.just("credit"), AMOUNT, st.booleans()),
            st.tuples(st.just("debit"), AMOUNT, st.none()),
            st.tuples(st.just("return"), AMOUNT, DESTINATIONS),
            st.tuples(st.just("refund"), AMOUNT, st.sampled_from((Destination.CASH, Destination.FUNDING_SOURCE))),
            st.tuples(st.just("answer"), st.just(0), st.sampled_from(("A02", "E04"))),
            st.tuples(st.just("write off"), st.just(0), st.none()),
            st.tuples(st.just("write on"), st.just(0), st.none()),
            st.tuples(st.just("waive"), AMOUNT, st.booleans()),
            st.tuples(st.just("take back"), AMOUNT, st.sampled_from((ReturnKind.CHARGEBACK, ReturnKind.RETURN))),
            st.tuples(st.just("give again"), AMOUNT, st.none()),
            st.tuples(st.just("deposit"), st.integers(-9000, 9000), st.sampled_from(("VISA", "ACH", ""))),
            st.tuples(st.just("deposit all"), st.integers(0, 90), st.none()),
            st.tuples(st.just("named write off"), st.just(0), st.none()),
            st.tuples(st.just("days"), st.integers(1, 40), st.none()),
        ),
    ),
    min_size=2,
    max_size=14,
)


class Story:
    """Plays steps; what a rule refuses changes nothing and is part of the story."""

    def __init__(self, club: Club) -> None:
        self.club = club
        self.till = Till(club)
        self.keys = 0
        self.refused = 0
        self.ends: dict[date, Mapping[str, Aged]] = {}

    def play(self, number: str, what: str, amount: int, detail: Any) -> None:
        steps: Mapping[str, Callable[[str, int, Any], object]] = {
            "sale": self.till.invoice,
            "fee": self.till.fee,
            "sale on account": lambda number, amount, days: self.till.invoice(
                number, amount, due_date=self.club.day + timedelta(days=days)
            ),
            "due": self._due,
            "instalments due": lambda number, amount, code: self._due(number, amount, code, charges=3),
            "due and in flight": self._bill,
            "results": lambda *_: self._results(),
            "share": self._share,
            "approval limit": lambda _, amount, is_one: self._limit(amount if is_one else None),
            "second person": lambda _, __, there: self._second_person(there=there),
            "pay": lambda number, amount, tender: self.till.pay(number, amount, tender=tender),
            "pay newest": lambda number, amount, _: self.till.pay(number, amount, self._invoice(number)),
            "credit": lambda number, amount, named: self.till.credit(
                number, amount, self._invoice(number) if named else None
            ),
            "debit": lambda number, amount, _: self.till.debit(number, amount),
            "return": lambda number, amount, to: self.till.returned(number, amount, to=to),
            "refund": self.till.refund,
            "answer": self._answer,
            "write off": lambda number, *_: self.till.write_off(number),
            "write on": self._write_on,
            "waive": self._waive,
            "take back": self._take_back,
            "give again": lambda number, amount, _: self._take_back(number, amount, ReturnKind.REVERSAL),
            "deposit": lambda _, amount, tender: self._deposit(amount, amount // 40, tender),
            "deposit all": lambda _, fee, __: self._deposit(self.till.booked("clearing"), fee, "VISA"),
            "named write off": lambda number, *_: self.till.write_off(number, *filter(None, [self._invoice(number)])),
            "days": lambda _, days, __: self._days(days),
        }
        try:
            steps[what](number, amount, detail)
        except FailedPrecondition:
            self.refused += 1

    def close(self) -> None:
        """Remember what invoices and accounts say at the end of a day."""
        found: dict[str, Aged] = {}
        rows = self.club.rows(
            "SELECT account.number, invoice.due_date, invoice.balance_minor FROM invoice "
            "JOIN account ON account.id = invoice.account_id WHERE balance_minor > 0"
        )
        for number, due_date, balance in rows:
            found.setdefault(number, Aged()).add(due_date, balance, self.club.day)
        for number, credit in self.club.rows("SELECT number, credit_minor FROM account WHERE credit_minor > 0"):
            found.setdefault(number, Aged()).credit_minor = credit
        self.ends[self.club.day] = found

    def _days(self, days: int) -> None:
        self.close()
        self.club.set_clock(self.club.day + timedelta(days=days))

    def _due(self, number: str, amount: int, code: str, charges: int = 1) -> None:
        self._bill(number, amount, code, charges)
        self._results()

    def _bill(self, number: str, amount: int, code: str, charges: int = 1) -> None:
        """Let a run bill and submit; a day has one run, which goes a further round."""
        club = self.club
        club.due.charges = []
        for _ in range(charges):
            self.keys += 1
            charge = due(number, club.day, self.keys, amount, tax_minor=amount // 10, agreement_id=uuid4())
            club.due.charges.append(charge)
        club.script.clear()
        for token in (f"tok_{number}", "tok_own"):
            club.script.update({(token, attempt): code for attempt in range(1, 40)})
        if (run := club.start_run()).state is RunState.SUBMITTED:
            with self.till.tx() as tx:
                resume_run(tx, run.id)
        club.do_tasks()
        club.due.charges = []

    def _results(self) -> None:
        self.club.deliver()
        self.club.ask("card-updater")
        self.club.deliver_updates()
        self.club.do_tasks()
        self.club.deliver(Label.RETRY)

    def _share(self, number: str, percent: int, token: str) -> None:
        """Let another card, or the same one once more, pay a part of what is billed; a second one is told otherwise."""
        card = {"tender": "MC", "token": token, "last4": "1111", "expiry_month": 5, "expiry_year": 2031}
        flags = {"is_primary": False, "is_recurring": True, "responsibility_percent": percent}
        if f"tok_{number}" == token:
            card |= {"tender": "VISA", "last4": "4242"}
        if self.club.one("SELECT count(*) FROM funding_source WHERE account_id = :a", a=ref(number).id) == 1:
            with self.till.tx() as tx:
                add_source(tx, AddSource(ref(number), {**card, **flags}))

    def _limit(self, amount: int | None) -> None:
        with self.till.tx() as tx:
            set_limit(tx, ENTERPRISE_ID, None, Money(amount, "USD") if amount is not None else None)

    def _second_person(self, *, there: bool) -> None:
        self.till.actor = Actor("anna", approver=Actor("boris")) if there else Actor("anna")

    def _invoice(self, number: str) -> UUID | None:
        return self._newest("SELECT id FROM invoice WHERE account_id = :account ORDER BY id DESC LIMIT 1", number)

    def _answer(self, number: str, _: int, code: str) -> None:
        query = "SELECT id FROM refund WHERE account_id = :account AND state = 'created' ORDER BY id LIMIT 1"
        refund_id = self._newest(query, number)
        if refund_id is not None:
            self.till.answer(refund_id, code)

    def _write_on(self, number: str, *_: Any) -> None:
        query = "SELECT id FROM movement WHERE account_id = :account AND kind = 'write-off' ORDER BY id LIMIT 1"
        movement_id = self._newest(query, number)
        if movement_id is not None:
            self.till.write_on(number, movement_id)

    def _waive(self, number: str, amount: int, whole: bool) -> None:
        query = "SELECT id FROM invoice WHERE account_id = :account AND kind = 'fee' ORDER BY id LIMIT 1"
        fee_id = self._newest(query, number)
        if fee_id is not None:
            self.till.waive(number, fee_id, 0 if whole else amount)

    def _take_back(self, number: str, amount: int, kind: ReturnKind) -> None:
        query = "SELECT id FROM payment WHERE account_id = :account AND state = 'approved' ORDER BY id DESC LIMIT 1"
        payment_id = self._newest(query, number)
        if payment_id is not None:
            self.keys += 1
            key = f"r{self.keys}"
            first = self.till.take_back(number, payment_id, amount, kind, key)
            again = self.till.take_back(number, payment_id, amount, kind, key)
            assert (first.outcome, again.outcome) in {("taken", "repeated"), ("refused", "refused")}

    def _deposit(self, amount: int, fee: int, tender: str) -> None:
        """Tell of a deposit twice: for the last batch, or for one that nobody knows."""
        if amount == 0:
            return
        self.keys += 1
        batch = self.club.one("SELECT coalesce(max(number), 404) FROM batch")
        told = (f"d{self.keys}", "standard", "S1", self.club.day, batch, "", tender, amount, fee, "USD")
        with self.till.tx() as tx:
            taken = [take_deposits(tx, [DepositNotice(*told)])[0].outcome for _ in range(2)]
        assert taken == [DepositOutcome.NEW, DepositOutcome.REPEATED]

    def _newest(self, query: str, number: str) -> UUID | None:
        rows = self.club.rows(query, account=ref(number).id)
        return UUID(str(rows[0][0])) if rows else None


def wipe(club: Club) -> None:
    """Make the enterprise new but for its units: hypothesis plays many stories on one database."""
    with club.engine.begin() as connection:
        # What is append-only may go here alone.
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            columns = {column["name"] for column in inspector.get_columns(table)}
            if "enterprise_id" in columns and table != "business_unit":
                connection.execute(sa.text(f"DELETE FROM {table} WHERE enterprise_id = :id"), {"id": ENTERPRISE_ID})


def charge_declines(club: Club, code: str, fee_minor: int) -> None:
    """Let declines with a code cost a fee."""
    with club.units.begin(club.context()) as tx:
        before = declines.codes(tx.connection, ENTERPRISE_ID)[code]
        declines.save_code(tx.connection, ENTERPRISE_ID, replace(before, fee_minor=fee_minor))


@given(STEPS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bil_10_any_sequence_of_money_commands_leaves_the_books_explained(
    club: Club, steps: list[tuple[str, tuple[str, int, Any]]]
) -> None:
    wipe(club)
    club.set_clock(DAY)
    club.settings(card_updater=True)
    charge_declines(club, "D03", 500)
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add_account("M2")
    story = Story(club)
    for number, (what, amount, detail) in steps:
        story.play(number, what, amount, detail)
        club.assert_books()
    story.close()
    _assert_every_day_is_as_it_was(club, story)
    _assert_nothing_is_below_zero(club)
    _assert_the_bank_has_what_was_deposited(club, story)


def _assert_every_day_is_as_it_was(club: Club, story: Story) -> None:
    with club.units.read(club.context()) as tx:
        for day, expected in story.ends.items():
            page, _ = aged_accounts(tx, EVERYTHING, day, open_page(100, "", filters=("x",)))
            assert {one.number: one.aged for one in page} == expected, day
            total = aging(tx, EVERYTHING, day).sums.get("USD", Aged())
            assert total.balance_minor == sum(one.balance_minor for one in expected.values())
            for number in NUMBERS:
                owed = expected.get(number, Aged()).balance_minor
                assert balance_as_of(tx, ref(number), day) == owed
                statement = get_statement(tx, ref(number), day, day)
                assert statement.closing_minor == owed


def _assert_the_bank_has_what_was_deposited(club: Club, story: Story) -> None:
    deposited = club.one("SELECT coalesce(sum(gross_minor - fee_minor), 0) FROM deposit")
    assert story.till.booked("bank") == deposited
    assert story.till.booked("bank") + story.till.booked("processor_fees") + story.till.booked("clearing") == club.one(
        "SELECT coalesce(sum(CASE WHEN debit = 'clearing' THEN amount_minor ELSE -amount_minor END), 0) "
        "FROM transfer WHERE source <> 'deposit' AND 'clearing' IN (debit, credit)"
    )


def _assert_nothing_is_below_zero(club: Club) -> None:
    assert club.rows("SELECT FROM invoice WHERE balance_minor NOT BETWEEN 0 AND total_minor") == []
    assert club.rows("SELECT FROM account WHERE credit_minor < 0") == []
    gone = "SELECT sum(amount_minor) FROM refund WHERE funding_source_id = :id AND state <> 'declined'"
    for row in club.rows("SELECT id, account_id FROM funding_source"):
        paid = club.one(
            "SELECT coalesce(sum(amount_minor), 0) FROM payment WHERE funding_source_id = :id AND state = 'approved'",
            id=row.id,
        )
        assert (club.one(gone, id=row.id) or 0) <= paid


def test_all_3_a_money_command_repeated_with_its_request_id_has_one_effect(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    stub = server.stub(adjustment_grpc.AdjustmentServiceStub)
    request = adjustment_pb.CreateCreditRequest(
        parent=account.name, amount=money_to_proto(Money(500, "USD")), reason="goodwill", request_id=request_id()
    )
    first, second = (stub.CreateCredit(request, timeout=10) for _ in range(2))
    assert first == second
    assert (first.kind, first.entered_by != "") == ("credit", True)
    assert club.one("SELECT credit_minor FROM account") == 500
