"""Refunds to a card go out by the installation's processor, each once (SPEC BIL-8, BIL-11)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from club import DAY, Club, due, record
from rest_api import API_KEY, Api, running_api
from till import Till

from boss_billing.adapters.port import NoAnswerError
from boss_billing.adapters.rest_processor import RestProcessor
from boss_billing.adapters.sandbox_refunds import SandboxRefunds
from boss_billing.app import refund_processor, refund_sending
from boss_billing.refunds.process import RefundProcesses
from boss_billing.refunds.rules import Destination, RefundProcessor, SubmittedRefund
from boss_billing.settings import BillingSettings
from boss_kit.errors import Transient

PRICE = 3500
Send = Callable[[RefundProcessor], None]


@pytest.fixture
def api() -> Iterator[Api]:
    with running_api() as running:
        yield running


@pytest.fixture
def processor(api: Api) -> Iterator[RestProcessor]:
    made = RestProcessor(api.url, API_KEY, timeout_s=0.5, first_wait_s=0.01)
    yield made
    made.close()


@pytest.fixture
def till(club: Club) -> Till:
    """Give a till of a club whose member has paid one charge by card."""
    club.add(record("M1"))
    club.due.charges = [due("M1")]
    club.play(DAY)
    return Till(club)


@pytest.fixture
def send(club: Club, till: Till) -> Send:
    """Ask for a refund to the card; give a function that sends it."""
    till.returned("M1", PRICE, to=Destination.FUNDING_SOURCE)
    refund_id = club.one("SELECT id FROM refund")
    task: Any = type("Task", (), {"args": {"refund": str(refund_id)}, "context": club.context(DAY)})
    return lambda processor: RefundProcesses(club.units, processor).send(task)


def state(club: Club) -> tuple[str, str]:
    found: tuple[str, str] = club.one("SELECT state, response_code FROM refund")
    return found


def test_bil_11_a_refund_goes_to_the_rest_processor_with_its_key_and_amount(
    club: Club, api: Api, processor: RestProcessor, send: Send
) -> None:
    send(processor)
    send(processor)
    key = str(club.one("SELECT id FROM refund"))
    assert (api.refunds[key]["amount"], api.refunds[key]["currency"]) == (PRICE, "usd")
    assert dict(api.charges) == {f"refund {key}": 1}
    assert state(club) == ("approved", "A02")
    assert club.one("SELECT transaction_id FROM refund") == api.refunds[key]["id"]
    club.assert_books()


def test_bil_11_a_refund_the_rest_processor_declines_is_credit_again(
    club: Club, api: Api, processor: RestProcessor, till: Till, send: Send
) -> None:
    api.codes = {"tok_M1": ("declined", "no_account")}
    send(processor)
    assert state(club) == ("declined", "D06")
    assert till.owed("M1") == (0, PRICE)
    club.assert_books()


def test_bil_11_a_refund_the_rest_processor_will_not_have_is_credit_again_with_its_reason(
    club: Club, api: Api, processor: RestProcessor, till: Till, send: Send
) -> None:
    api.codes = {"tok_M1": ("invalid", "")}
    send(processor)
    assert state(club) == ("declined", "E03")
    assert club.one("SELECT response_message FROM refund") == "No such token."
    assert till.owed("M1") == (0, PRICE)
    club.assert_books()


@pytest.mark.parametrize("fault", ["charge then 500", "charge then hang"])
def test_bil_8_a_refund_without_an_answer_is_unknown_and_its_repeat_refunds_once(
    club: Club, api: Api, processor: RestProcessor, send: Send, fault: str
) -> None:
    api.faults = [fault] * 4
    with pytest.raises(Transient, match="same key"):
        send(processor)
    assert state(club) == ("unknown", "")
    club.assert_books()
    api.faults = []
    send(processor)
    assert state(club) == ("approved", "A02")
    assert list(api.charges.values()) == [1]
    club.assert_books()


def test_bil_8_a_refund_that_is_still_open_is_asked_for_by_its_key(
    club: Club, api: Api, processor: RestProcessor, send: Send
) -> None:
    api.codes = {"tok_M1": ("processing", "")}
    with pytest.raises(Transient):
        send(processor)
    assert state(club) == ("unknown", "")
    (open_refund,) = api.refunds.values()
    open_refund |= {"status": "succeeded", "code": "approved_credit"}
    send(processor)
    assert state(club) == ("approved", "A02")
    assert list(api.charges.values()) == [1]


def test_bil_8_an_answer_about_another_amount_is_no_answer(api: Api, processor: RestProcessor) -> None:
    asked = SubmittedRefund(uuid4(), uuid4(), "k1", "VISA", "tok_M1", 100, "USD", DAY)
    processor.refund(asked)
    with pytest.raises(NoAnswerError, match="another refund"):
        processor.refund(replace(asked, amount_minor=200))


def test_bil_11_the_setting_says_which_processor_sends_refunds(
    club: Club, api: Api, send: Send, settings: Callable[..., BillingSettings]
) -> None:
    assert isinstance(refund_processor(settings()), SandboxRefunds)
    rest = settings(BOSS_PROCESSOR="rest", BOSS_PROCESSOR_URL=api.url, BOSS_PROCESSOR_API_KEY=API_KEY)
    made = refund_processor(rest)
    assert isinstance(made, RestProcessor)
    with closing(made):
        send(made)
    assert len(api.refunds) == 1
    assert state(club) == ("approved", "A02")


def test_bil_11_the_setting_says_that_refunds_go_out_by_files(
    club: Club, till: Till, settings: Callable[..., BillingSettings], tmp_path: Path
) -> None:
    till.returned("M1", PRICE, to=Destination.FUNDING_SOURCE)
    refund_id = club.one("SELECT id FROM refund")
    about = {"args": {"refund": str(refund_id)}, "context": club.context(DAY), "attempts": 2}
    task: Any = type("Task", (), about)
    refund_sending(club.units, settings(BOSS_PROCESSOR="file", BOSS_PROCESSOR_FOLDER=str(tmp_path)))(task)
    (request,) = (tmp_path / "requests").glob("ref_*.txt")
    assert "|credit|" in request.read_text()
    assert state(club) == ("pending", "")
    club.assert_books()


@pytest.mark.parametrize("says", ["taken", "nothing"])
def test_bil_8_an_answer_that_is_faster_than_our_own_record_of_the_refund_stays(
    club: Club, till: Till, send: Send, says: str
) -> None:
    class Fast:
        """A processor whose callback comes before its call returns."""

        may_repeat = False

        def refund(self, refund: SubmittedRefund) -> None:
            till.answer(UUID(refund.key), "A02")
            if says == "nothing":
                raise NoAnswerError("the line went dead")

    send(Fast())
    assert state(club) == ("approved", "A02")
    club.assert_books()


@pytest.fixture
def settings(tokens: Any) -> Callable[..., BillingSettings]:
    """Give a function that reads settings."""
    environ = {
        "DATABASE_URL": "postgresql://localhost/billing",
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("billing")),
        "BOSS_AGREEMENTS_ADDRESS": "localhost:1",
        "BOSS_BILLING_ADDRESS": "localhost:2",
    }
    return lambda **changes: BillingSettings.from_environ(environ | changes)
