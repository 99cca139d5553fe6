"""A processor with a REST API: whatever the line does, each payment is charged once (SPEC BIL-8)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from club import Club, due, record
from rest_api import API_KEY, Api, running_api

from boss_billing.adapters.port import Repeatability
from boss_billing.adapters.rest_codes import code_of
from boss_billing.adapters.rest_processor import RestProcessor
from boss_billing.funding.rules import SubmittedInquiry
from boss_billing.settings import BillingSettings
from boss_kit.errors import Transient
from boss_kit.settings import SettingsError

MEMBERS = 5


@pytest.fixture
def api() -> Iterator[Api]:
    with running_api() as running:
        yield running


@pytest.fixture
def processor(club: Club, api: Api) -> Iterator[RestProcessor]:
    made = RestProcessor(api.url, API_KEY, timeout_s=0.5, first_wait_s=0.01)
    club.wire = made  # type: ignore[assignment]
    yield made
    made.close()


def bill(club: Club) -> None:
    club.add(*(record(f"M{number}") for number in range(MEMBERS)))
    club.due.charges = [due(f"M{number}") for number in range(MEMBERS)]
    club.bill()


def states(club: Club) -> dict[str, str]:
    return dict(club.rows("SELECT account_number, payment.state FROM attempt JOIN payment ON payment_id = payment.id"))


def assert_charged_once(club: Club, api: Api, members: int = MEMBERS) -> None:
    assert list(api.charges.values()) == [1] * members
    club.assert_books()


def test_bil_8_answers_given_at_once_are_kept_and_applied(club: Club, api: Api, processor: RestProcessor) -> None:
    api.codes = {"tok_M1": ("declined", "insufficient_funds"), "tok_M2": ("declined", "brand_new_reason")}
    bill(club)
    assert states(club) == {
        "M0": "approved",
        "M1": "finally_declined",
        "M2": "finally_declined",
        "M3": "approved",
        "M4": "approved",
    }
    codes = club.rows("SELECT response_code FROM payment WHERE state <> 'approved' ORDER BY 1")
    assert codes == [("D03",), ("D19",)]
    assert club.one("SELECT count(*) FROM callback WHERE state = 'applied'") == MEMBERS
    assert_charged_once(club, api)


@pytest.mark.parametrize("fault", ["500", "429", "charge then 500", "charge then hang"])
def test_bil_8_a_passing_fault_is_retried_with_the_same_key(
    club: Club, api: Api, processor: RestProcessor, fault: str
) -> None:
    api.faults = [fault, fault]
    bill(club)
    assert set(states(club).values()) == {"approved"}
    assert_charged_once(club, api)


def test_bil_8_a_charge_whose_answer_never_came_is_unknown_and_its_repeat_charges_nobody_twice(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    api.faults = ["charge then 500"] * 100
    bill(club)
    assert set(states(club).values()) == {"unknown"}
    assert_charged_once(club, api)
    api.faults = []
    club.ask("ask-processor")
    assert set(states(club).values()) == {"approved"}
    assert_charged_once(club, api)


@pytest.mark.parametrize("fault", ["charge then garbage", "charge then 404", "charge then 302"])
def test_bil_8_an_answer_nobody_can_read_is_no_answer(
    club: Club, api: Api, processor: RestProcessor, fault: str
) -> None:
    api.faults = [fault]
    bill(club)
    # What was said of the others counts.
    assert sorted(states(club).values()) == 4 * ["approved"] + ["unknown"]
    club.ask("ask-processor")
    assert set(states(club).values()) == {"approved"}
    assert_charged_once(club, api)


@pytest.mark.parametrize(
    "odd",
    [
        *({"id": "pay\0"}, {"id": "4111111111111111"}, {"id": "p" * 200}, {"amount": 10**30}, {"amount": None}),
        *({"currency": "euros"}, {"currency": ["usd"]}, {"reference": None}),
    ],
    ids=str,
)
def test_bil_8_an_answer_that_may_not_be_kept_is_no_answer_and_keeps_no_other_from_being_taken(
    club: Club, api: Api, processor: RestProcessor, odd: dict[str, Any]
) -> None:
    api.odd = {"tok_M1": odd}
    bill(club)
    club.ask("ask-processor")
    told = states(club)
    assert (told.pop("M1"), set(told.values())) == ("unknown", {"approved"})


@pytest.mark.parametrize("listed", [[None], ["?"], {"a": 1}, [{"status": "succeeded"}]], ids=str)
def test_bil_8_a_list_nobody_can_read_is_no_answer_either(
    club: Club, api: Api, processor: RestProcessor, listed: Any
) -> None:
    api.codes, api.listed = {"tok_M1": ("processing", "")}, listed
    bill(club)
    club.set_clock(club.day + timedelta(days=1))
    club.ask("ask-processor")
    assert states(club)["M1"] == "pending"


def test_spec_0_a_card_number_in_a_processors_message_is_not_kept(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    api.odd = {"tok_M1": {"message": "Card 4111 1111 1111 1111 declined\0"}}
    bill(club)
    (message,) = club.rows("SELECT response_message FROM payment WHERE response_message LIKE 'Card%'")
    assert message == ("Card [card number] declined",)


def test_bil_8_a_processor_that_is_away_leaves_payments_unknown_never_declined(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    processor.close()
    gone = RestProcessor("http://127.0.0.1:1", API_KEY, timeout_s=0.2, first_wait_s=0.01)
    club.wire = gone  # type: ignore[assignment]
    bill(club)
    assert set(states(club).values()) == {"unknown"}
    assert not api.charges
    gone.close()


def test_bil_8_a_payment_that_is_still_open_is_asked_for_by_its_key(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    api.codes = {"tok_M1": ("processing", "")}
    bill(club)
    assert states(club)["M1"] == "pending"
    club.set_clock(club.day + timedelta(days=1))
    club.ask("ask-processor")
    assert states(club)["M1"] == "pending"
    (open_payment,) = (one for one in api.payments.values() if one["status"] == "processing")
    open_payment |= {"status": "succeeded", "code": "approved"}
    club.set_clock(club.day + timedelta(days=1))
    club.ask("ask-processor")
    assert states(club)["M1"] == "approved"
    assert_charged_once(club, api)


def test_bil_5_a_payment_the_processor_will_not_have_was_never_tried(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    api.codes = {"tok_M1": ("invalid", "")}
    bill(club)
    assert states(club)["M1"] == "not_attempted"
    row = club.one("SELECT response_code, response_message FROM payment WHERE state = 'not_attempted'")
    assert row == ("E03", "No such token.")
    assert_charged_once(club, api, MEMBERS - 1)


def test_bil_8_a_key_the_processor_refuses_sends_nothing_and_loses_nothing(club: Club, api: Api) -> None:
    stranger = RestProcessor(api.url, "sk_wrong", timeout_s=0.5, first_wait_s=0.01)
    with pytest.raises(Transient, match="BOSS_PROCESSOR_API_KEY"):
        stranger.inquire(club.context().enterprise_id, club.day, [_inquiry()])  # type: ignore[arg-type]
    assert not api.updates
    stranger.close()


def test_bil_4_the_card_updater_is_asked_with_keys(club: Club, api: Api, processor: RestProcessor) -> None:
    api.faults = ["500"]
    processor.inquire(club.context().enterprise_id, club.day, [_inquiry()])  # type: ignore[arg-type]
    (asked,) = api.updates
    assert (asked["token"], asked["last4"]) == ("tok_M1", "4242")


def test_bil_8_a_rest_processor_is_idempotent_and_knows_its_batches(
    club: Club, api: Api, processor: RestProcessor
) -> None:
    assert processor.repeatability is Repeatability.IDEMPOTENT
    bill(club)
    batch_id = str(club.one("SELECT id FROM batch"))
    assert processor.knows(club.context().enterprise_id, batch_id)  # type: ignore[arg-type]
    assert not processor.knows(club.context().enterprise_id, "another")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        ("succeeded", "approved", "A01"),
        ("succeeded", "whatever", "A01"),
        ("succeeded", "insufficient_funds", "A01"),
        ("declined", "expired_card", "D16"),
        ("declined", "approved", "D19"),
        ("declined", "", "D19"),
    ],
)
def test_bil_5_answers_are_told_in_the_words_of_our_table(status: str, word: str, code: str) -> None:
    assert code_of({"status": status, "code": word}) == code


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"BOSS_PROCESSOR": "rest"}, "BOSS_PROCESSOR_URL"),
        ({"BOSS_PROCESSOR": "rest", "BOSS_PROCESSOR_URL": "https://api.example.com"}, "BOSS_PROCESSOR_API_KEY"),
        ({"BOSS_PROCESSOR": "file"}, "BOSS_PROCESSOR_FOLDER"),
        ({"BOSS_PROCESSOR": "carrier_pigeon"}, "sandbox, file, rest"),
        ({"BOSS_PROCESSOR_WEBHOOK_SECRETS": "secret"}, "whsec_ and base64"),
    ],
)
def test_a_processor_without_its_settings_is_refused(changes: dict[str, str], missing: str, tokens: Any) -> None:
    environ = {
        "DATABASE_URL": "postgresql://localhost/billing",
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("billing")),
        "BOSS_AGREEMENTS_ADDRESS": "localhost:1",
        "BOSS_BILLING_ADDRESS": "localhost:2",
    }
    with pytest.raises(SettingsError, match=missing):
        BillingSettings.from_environ(environ | changes)


def _inquiry() -> Any:
    return SubmittedInquiry(uuid4(), "M1", "VISA", "tok_M1", "4242", 12, 2026)
