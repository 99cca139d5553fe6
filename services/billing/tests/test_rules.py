"""Billing's pure rules."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from club import DAY, ref
from hypothesis import given
from hypothesis import strategies as st

from boss_billing.adapters.chance import response_code
from boss_billing.batches.rules import SubmittedAttempt
from boss_billing.declines.rules import AttemptLimit, Class, Code, Per, first_allowed_day
from boss_billing.funding.rules import FundingSource, split
from boss_billing.invoices.rules import Invoice, Kind
from boss_billing.payments.rules import Label, PaymentKind, Verdict, allocate, kind_of, verdict
from boss_billing.runs.rules import count_shards


def code(name: str, **changes: object) -> Code:
    values: dict[str, object] = {
        "response_class": Class.SOFT,
        "message": name,
        "is_tried": True,
        "is_updatable": False,
        "rebill": True,
        "invalidate_after": 0,
        "invalidate_months": 0,
        "arm_entry": True,
    } | changes
    return Code(code=name, **values)  # type: ignore[arg-type]


GOOD = code("A01", response_class=Class.GOOD)
EXPIRED = code("D16", response_class=Class.HARD, is_updatable=True, rebill=False)
SOFT = code("D03")
NOT_TRIED = code("D14", is_tried=False)


@pytest.mark.parametrize(
    ("row", "label", "card_updater", "expected"),
    [
        (GOOD, Label.ORIGINAL, True, Verdict.APPROVED),
        (GOOD, Label.RETRY, True, Verdict.APPROVED),
        (EXPIRED, Label.ORIGINAL, True, Verdict.AWAITS_UPDATE),
        (EXPIRED, Label.ORIGINAL, False, Verdict.FINALLY_DECLINED),
        (EXPIRED, Label.RETRY, True, Verdict.FINALLY_DECLINED),
        (SOFT, Label.ORIGINAL, True, Verdict.FINALLY_DECLINED),
        (NOT_TRIED, Label.ORIGINAL, True, Verdict.NOT_ATTEMPTED),
        (NOT_TRIED, Label.RETRY, True, Verdict.FINALLY_DECLINED),
    ],
)
def test_bil_7_only_a_pending_retry_by_the_card_updater_delays_a_decline(
    row: Code, label: Label, card_updater: bool, expected: Verdict
) -> None:
    assert verdict(row, label, card_updater=card_updater) is expected


@pytest.mark.parametrize(
    ("of", "declined_before", "in_this_run", "expected"),
    [
        (Kind.BILLED, 0, True, PaymentKind.NEW),
        (Kind.BILLED, 0, False, PaymentKind.ON_ACCOUNT),
        (Kind.SALE, 0, False, PaymentKind.ON_ACCOUNT),
        (Kind.BILLED, 1, False, PaymentKind.PAST_DUE),
        (Kind.SALE, 2, False, PaymentKind.PAST_DUE),
        (Kind.OPENING_BALANCE, 0, False, PaymentKind.PAST_DUE),
    ],
)
def test_bil_2_a_payment_is_new_on_account_or_past_due_by_its_invoice_and_what_was_before(
    of: Kind, declined_before: int, in_this_run: bool, expected: PaymentKind
) -> None:
    run_id = uuid4()
    owed = invoice("M1-1", DAY, 3500)._replace(kind=of, declines=declined_before)
    assert kind_of(owed._replace(bill_run_id=run_id if in_this_run else uuid4()), run_id) is expected


days = st.lists(st.integers(0, 400).map(lambda offset: DAY + timedelta(days=offset)), max_size=60)
limits = st.lists(
    st.builds(AttemptLimit, st.just("VISA"), st.just(Per.SOURCE), st.integers(1, 40), st.integers(1, 180)), max_size=3
)


@given(limits, days, st.integers(0, 400))
def test_bil_5_an_attempt_on_the_allowed_day_keeps_every_limit_and_no_earlier_day_does(
    limits: list[AttemptLimit], days: list[date], offset: int
) -> None:
    day = max([DAY + timedelta(days=offset), *days])
    allowed = first_allowed_day(limits, days, day)

    def fits(candidate: date) -> bool:
        return all(
            sum(candidate - timedelta(days=limit.window_days) < one <= candidate for one in days) < limit.attempts_max
            for limit in limits
        )

    assert fits(allowed)
    assert not any(fits(day + timedelta(days=number)) for number in range((allowed - day).days))


def source(percent: int, *, primary: bool = False, valid: bool = True) -> FundingSource:
    return FundingSource(uuid4(), ref("M1"), "VISA", "tok_1", "4242", 12, 2030, primary, True, valid, percent, 1)


@given(st.integers(1, 10**9), st.integers(0, 100))
def test_spec_0_a_split_keeps_every_cent_and_the_remainder_is_the_primarys(amount: int, percent: int) -> None:
    sources = [source(percent), source(100 - percent, primary=True)]
    parts = {one.id: share for one, share in split(amount, sources)}
    assert sum(parts.values()) == amount
    assert parts.get(sources[0].id, 0) == amount * percent // 100


def test_spec_0_the_share_of_an_invalid_source_is_nobodys() -> None:
    sources = [source(50, primary=True), source(50, valid=False)]
    assert [share for _, share in split(1001, sources)] == [501]


def invoice(number: str, due: date, balance: int) -> Invoice:
    return Invoice(uuid4(), ref("M1"), None, number, Kind.BILLED, "Gold Monthly", due, due, "USD", balance, balance)


@given(st.integers(1, 10_000), st.lists(st.tuples(st.integers(0, 90), st.integers(1, 5_000)), max_size=6))
def test_bil_12_money_at_the_desk_pays_the_oldest_first_and_no_cent_is_lost(
    amount: int, owed: list[tuple[int, int]]
) -> None:
    invoices = [
        invoice(f"M1-{number}", DAY + timedelta(days=offset), balance) for number, (offset, balance) in enumerate(owed)
    ]
    parts, credit = allocate(amount, invoices)
    assert sum(part for _, part in parts) + credit == amount
    assert credit == max(0, amount - sum(balance for _, balance in owed))
    fully_paid = [one.due_date for one, part in parts if part == one.balance_minor]
    untouched = [one.due_date for one in invoices if one.id not in {paid.id for paid, _ in parts}]
    assert all(paid <= left for paid in fully_paid for left in untouched)


def test_bil_12_of_invoices_due_on_one_day_the_second_is_paid_before_the_tenth_invoice() -> None:
    second, tenth = invoice("M1-2", DAY, 500), invoice("M1-10", DAY, 500)
    assert allocate(600, [tenth, second]) == ([(second, 500), (tenth, 100)], 0)


@pytest.mark.parametrize(("due", "shards"), [(0, 0), (1, 1), (1800, 1), (1801, 2), (50_000, 28)])
def test_bil_1_shards_are_chosen_by_what_is_due(due: int, shards: int) -> None:
    assert count_shards(due) == shards


def attempt(number: int, **changes: object) -> SubmittedAttempt:
    values: dict[str, object] = {
        "attempt_id": uuid4(),
        "account_number": f"M{number:06d}",
        "due_date": DAY,
        "description": "Gold Monthly",
        "attempt_no": 1,
        "tender": "VISA",
        "token": "tok_1",
        "expiry_month": 12,
        "expiry_year": 2030,
        "amount_minor": 3500,
        "currency": "USD",
        "business_date": DAY,
    } | changes
    return SubmittedAttempt(**values)  # type: ignore[arg-type]


def test_design_5_the_sandbox_answers_by_natural_key_not_by_id() -> None:
    first = [response_code("1", attempt(number), {}) for number in range(200)]
    assert first == [response_code("1", attempt(number), {}) for number in range(200)]
    assert first != [response_code("2", attempt(number), {}) for number in range(200)]


def test_design_5_the_sandbox_declines_about_one_in_twenty_and_every_expired_card() -> None:
    codes = [response_code("1", attempt(number), {}) for number in range(5000)]
    assert 0.04 < sum(one != "A01" for one in codes) / len(codes) < 0.07
    assert response_code("1", attempt(1, expiry_month=12, expiry_year=2025), {}) == "D16"
    assert response_code("1", attempt(1, expiry_month=1, expiry_year=2026), {}) != "D16"
