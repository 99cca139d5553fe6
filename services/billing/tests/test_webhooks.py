"""The HTTP door of processors: what is signed is kept and applied once, anything else is refused and counted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from callback_calls import Hook, billed, body, headers, open_hook, refused, result_body
from club import ENTERPRISE_ID, Club

from boss_billing import events
from boss_billing.callbacks import commands

UNKNOWN = "enterprise_not_found"


@pytest.fixture
def hook(club: Club) -> Iterator[Hook]:
    with open_hook(club) as opened:
        yield opened


def assert_nothing_stored(club: Club) -> None:
    assert club.one("SELECT count(*) FROM callback") == 0
    assert club.one("SELECT DISTINCT state FROM payment") == "pending"


def test_bil_8_a_signed_webhook_is_the_same_command_and_applied_once(club: Club, hook: Hook) -> None:
    content = result_body(*billed(club, "M1"))
    assert [hook.post(content, message_id=one).status_code for one in ("m1", "m2", "m1")] == [200, 200, 200]
    assert club.one("SELECT state FROM payment") == "approved"
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1
    club.assert_books()


def test_bil_8_a_forged_webhook_is_refused_counted_and_nothing_is_stored(club: Club, hook: Hook) -> None:
    content, before = result_body(*billed(club, "M1")), refused("signature")
    signed = headers(content)
    assert hook.post(content, secret="whsec_c2VjcmV0c2VjcmV0c2VjcmV0").status_code == 401
    assert hook.send(content.replace(b"A01", b"A02"), signed).status_code == 401
    assert hook.send(content, {}).status_code == 401
    assert refused("signature") - before == 3
    assert_nothing_stored(club)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_bil_8_an_expired_webhook_is_refused_counted_and_nothing_is_stored(
    club: Club, hook: Hook, minutes: int
) -> None:
    content, before = result_body(*billed(club, "M1")), refused("signature")
    assert hook.post(content, at=datetime.now(UTC) + timedelta(minutes=minutes)).status_code == 401
    assert refused("signature") - before == 1
    assert_nothing_stored(club)


def test_bil_8_a_replayed_webhook_is_counted_and_has_no_effect(club: Club, hook: Hook) -> None:
    content, before = result_body(*billed(club, "M1")), refused("replayed")
    signed = headers(content)
    assert [hook.send(content, signed).json() for _ in range(3)] == [{"repeated": False}] + 2 * [{"repeated": True}]
    assert refused("replayed") - before == 2
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1


def test_bil_8_a_webhook_id_that_says_something_else_the_second_time_is_refused(club: Club, hook: Hook) -> None:
    first, second = billed(club, "M1", "M2")
    before = refused("webhook_id_reused")
    assert hook.post(result_body(first)).status_code == 200
    assert hook.post(result_body(second)).status_code == 409
    assert refused("webhook_id_reused") - before == 1
    assert club.one("SELECT count(*) FROM payment WHERE state = 'approved'") == 1


def test_bil_8_a_webhook_about_an_enterprise_nobody_knows_is_refused_counted_and_may_come_again(
    club: Club, hook: Hook
) -> None:
    (found,) = billed(club, "M1")
    stranger = UUID(int=7)
    content, before = result_body(found).replace(str(ENTERPRISE_ID).encode(), str(stranger).encode()), refused(UNKNOWN)
    assert [hook.post(content).status_code for _ in range(2)] == [404, 404]
    assert refused(UNKNOWN) - before == 2
    assert_nothing_stored(club)
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE business_unit SET enterprise_id = :stranger"), {"stranger": stranger})
    assert hook.post(content).status_code == 200
    assert club.one("SELECT enterprise_id, state FROM callback") == (stranger, "unmatched")


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", ["", "x" * 300, "nan", "-1", "v1", "v1,", "1e999"])
def test_bil_8_a_malformed_header_is_the_callers_fault(club: Club, hook: Hook, header: str, value: str) -> None:
    content = result_body(*billed(club, "M1"))
    assert 400 <= hook.send(content, {**headers(content), header: value}).status_code < 500
    assert_nothing_stored(club)


def test_bil_8_a_malformed_body_is_the_callers_fault(club: Club, hook: Hook) -> None:
    (found,) = billed(club, "M1")
    good = result_body(found)
    bodies = (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type": "x", "data": {}}',
        b'{"type": [], "data": {}}',
        good[: len(good) // 2],
        body("payment.results", results=[]),
        body("payment.results", results="many"),
        b'{"type": "payment.results", "data": "\\ud800"}',
        result_body(found, amount="\ud800"),
        result_body(found, code=""),
        result_body(found, amount={"currencyCode": "USD", "units": "much"}),
        result_body(found, message="4111 1111 1111 1111"),
        body("deposits", deposits=[{"depositId": "d1", "source": "acme"}]),
        b"[" * 100_000,
    )
    for number, content in enumerate(bodies):
        assert hook.post(content, message_id=f"m{number}").status_code == 400, content[:80]
    assert_nothing_stored(club)


def test_bil_8_a_webhook_is_stored_even_when_it_cannot_be_applied_and_the_janitor_goes_on(
    club: Club, hook: Hook, monkeypatch: Any
) -> None:
    (found,) = billed(club, "M1")

    def fail(*_: Any) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("the database went away"))

    with monkeypatch.context() as patched:
        patched.setattr(commands, "settle_results", fail)
        assert hook.post(result_body(found)).status_code == 200
    assert club.one("SELECT state FROM callback") == "received"
    club.ask("apply-callbacks")
    assert club.one("SELECT state FROM payment") == "approved"


def test_bil_8_deposits_come_by_webhook_too(club: Club, hook: Hook) -> None:
    billed(club, "M1")
    deposit = {
        "depositId": "d1",
        "source": "acme",
        "depositDate": {"year": 2026, "month": 1, "day": 7},
        "batchNumber": "1",
        "gross": {"currencyCode": "USD", "units": "35"},
        "fee": {"currencyCode": "USD", "units": "1"},
    }
    assert hook.post(body("deposits", deposits=[deposit])).status_code == 200
    assert club.rows("SELECT gross_minor, fee_minor FROM deposit") == [(3500, 100)]
    bad_fee = {**deposit, "depositId": "d2", "fee": {"currencyCode": "EUR", "units": "1"}}
    assert hook.post(body("deposits", deposits=[bad_fee]), message_id="m2").status_code == 400
