"""A processor with a REST API in the style of today's: a payment a call, each with an idempotency key.

The key is our attempt's id, so the same payment again is the same answer and never a second charge; a payment can be
asked for by its key, too. An answer that is still open comes later, by webhook or when the janitor asks. Refunds are
sent the same way, each with its own key.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from boss_billing.adapters.port import NoAnswerError, Repeatability
from boss_billing.adapters.rest_codes import FINAL, code_of
from boss_billing.batches.rules import Submission, SubmittedAttempt
from boss_billing.callbacks.rules import ResultCallback
from boss_billing.funding.rules import SubmittedInquiry
from boss_billing.refunds.rules import RefundAnswer, SubmittedRefund
from boss_kit.cards import find_card_number, redact
from boss_kit.errors import Transient
from boss_kit.money import EXPONENTS, MINOR_MAX, Money

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
TIMEOUT_S = 20.0
TRIES = 4
WAIT_S_MAX = 30.0
NOT_VALID = "E03"
PAYMENTS, REFUNDS = "/v1/payments", "/v1/refunds"
_UNREADABLE = "the processor's answer can't be read"
_MESSAGE_LENGTH_MAX = 500
_ID = re.compile(r"[\x21-\x7e]{1,150}")
_WONT_HAVE_IT = (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY)
_CREATED = (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED, httpx.codes.PAYMENT_REQUIRED)


class _BusyError(Exception):
    """The processor answered, but not now; it says how long to wait."""

    def __init__(self, status: int, wait_s: float) -> None:
        super().__init__(f"the processor answered {status}")
        self.wait_s = wait_s


class RestProcessor:
    """Sends payments one by one, some at once; repeats with the same key what got no answer."""

    repeatability = Repeatability.IDEMPOTENT
    may_repeat = True

    def __init__(self, url: str, api_key: str, *, timeout_s: float = TIMEOUT_S, first_wait_s: float = 0.5) -> None:
        self._client = httpx.Client(
            base_url=url, timeout=timeout_s, headers={"Authorization": f"Bearer {api_key}", "User-Agent": "boss"}
        )
        self._first_wait_s = first_wait_s

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        """Send the payments of a batch; give the results of those that are decided at once.

        Raises NoAnswerError when one of them got none: the batch is unknown, and its repeat sends the same keys.
        """
        sent = _at_once(lambda one: self._charge(submission, one), submission.attempts)
        results, unanswered = [], 0
        for one in sent:
            if isinstance(one, ResultCallback):
                results.append(one)
            elif one is not None:
                unanswered += 1
        if unanswered:
            raise NoAnswerError(f"{unanswered} of {len(submission.attempts)} payments got no answer", results)
        return results

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        """Tell whether it has a payment of a batch."""
        return bool(self._list(PAYMENTS, {"batch": key, "limit": "1"}))

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        """Ask for payments by their keys; give those that are decided."""

        def ask(attempt_id: UUID) -> Sequence[ResultCallback]:
            try:
                found = self._list(PAYMENTS, {"reference": str(attempt_id), "limit": "1"})
                return [_result(one) for one in found if one.get("status") in FINAL]
            except NoAnswerError:
                return ()

        return [result for results in _at_once(ask, attempt_ids) for result in results]

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Sequence[SubmittedInquiry]) -> None:
        """Ask the card updater, an inquiry a call; its answers come by webhook. Raises Transient without an answer."""

        def ask(one: SubmittedInquiry) -> None:
            body = {"reference": str(one.inquiry_id), "token": one.token, "last4": one.last4}
            self._post("/v1/account_updates", str(one.inquiry_id), {**body, "enterprise": str(enterprise_id)})

        try:
            _at_once(ask, inquiries)
        except NoAnswerError as error:
            raise Transient("PROCESSOR_UNAVAILABLE", str(error)) from error

    def refund(self, refund: SubmittedRefund) -> RefundAnswer:
        """Send money back. Raises NoAnswerError while nobody knows whether it went, Transient when it didn't."""
        body = {
            "reference": refund.key,
            "amount": refund.amount_minor,
            "currency": refund.currency.lower(),
            "token": refund.token,
            "metadata": {"enterprise": str(refund.enterprise_id)},
        }
        answer = self._post(REFUNDS, refund.key, body)
        if _wont_have_it(answer):
            return RefundAnswer(NOT_VALID, _refusal(answer))
        told = _json(answer)
        if told.get("status") not in FINAL:
            # A repeated key gets the first answer again; what became of it since is found by its reference.
            told = next(iter(self._list(REFUNDS, {"reference": refund.key, "limit": "1"})), told)
        return _refunded(refund, told)

    def _charge(self, submission: Submission, one: SubmittedAttempt) -> ResultCallback | NoAnswerError | None:
        body = {
            "reference": str(one.attempt_id),
            "batch": submission.key,
            "amount": one.amount_minor,
            "currency": one.currency.lower(),
            "token": one.token,
            "description": one.description,
            "metadata": {"enterprise": str(submission.enterprise_id), "account": one.account_number},
        }
        try:
            return _charged(one, self._post(PAYMENTS, str(one.attempt_id), body))
        except NoAnswerError as error:
            return error

    def _list(self, path: str, query: dict[str, str]) -> Sequence[dict[str, Any]]:
        answer = self._ask(lambda: self._client.get(path, params=query))
        if answer.status_code != httpx.codes.OK:
            raise NoAnswerError(f"the processor answered {answer.status_code}")
        found = _json(answer).get("data", [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise NoAnswerError(_UNREADABLE)
        return found

    def _post(self, path: str, key: str, body: dict[str, Any]) -> httpx.Response:
        return self._ask(lambda: self._client.post(path, json=body, headers={"Idempotency-Key": key}))

    def _ask(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Send, again where that is safe: every call carries its key. Raises NoAnswerError where nobody answers."""
        retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            retry=retry_if_exception_type((httpx.TransportError, _BusyError)),
            wait=self._wait_s,
            reraise=True,
        )
        try:
            answer: httpx.Response = retrying(lambda: _answered(send()))
        except (httpx.TransportError, _BusyError) as error:
            raise NoAnswerError(str(error)) from error
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Transient("PROCESSOR_REFUSES_KEY", "The processor refuses our key: see BOSS_PROCESSOR_API_KEY.")
        return answer

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s: float = error.wait_s if isinstance(error, _BusyError) else 0.0
        return min(WAIT_S_MAX, max(asked_s, self._first_wait_s * 2.0 ** (state.attempt_number - 1)))


def _charged(one: SubmittedAttempt, answer: httpx.Response) -> ResultCallback | None:
    """Read the answer to a payment; None where it is still open."""
    if _wont_have_it(answer):
        key = str(one.attempt_id)
        return ResultCallback(f"rest-{key}-refused", key, "", NOT_VALID, _refusal(answer), None)
    payment = _json(answer)
    if payment.get("reference") != str(one.attempt_id):
        raise NoAnswerError("the processor's answer is to another payment")
    return _result(payment) if payment.get("status") in FINAL else None


def _wont_have_it(answer: httpx.Response) -> bool:
    """Tell whether it read what was asked and refuses it: no money moved, and the same again would be refused again.

    Raises NoAnswerError for what says neither yes nor no, such as a page of something else that stands in between.
    """
    if answer.status_code not in (*_CREATED, *_WONT_HAVE_IT):
        raise NoAnswerError(f"the processor answered {answer.status_code}")
    return answer.status_code in _WONT_HAVE_IT


def _answered(answer: httpx.Response) -> httpx.Response:
    """Give an answer that means something. Raises _BusyError for one that says: again, later."""
    later = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.CONFLICT, httpx.codes.REQUEST_TIMEOUT)
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status_code in later:
        text = answer.headers.get("retry-after", "0")
        raise _BusyError(answer.status_code, float(text) if text.isascii() and text.isdigit() else 0.0)
    return answer


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        raise NoAnswerError(_UNREADABLE) from None
    if not isinstance(body, dict):
        raise NoAnswerError(_UNREADABLE)
    return body


def _result(payment: dict[str, Any]) -> ResultCallback:
    try:
        amount = Money(int(payment["amount"]), str(payment["currency"]).upper())
        key, number = str(payment["reference"]), str(payment["id"])
    except (KeyError, ValueError, TypeError):
        raise NoAnswerError(_UNREADABLE) from None
    is_readable = _ID.fullmatch(number) and amount.currency in EXPONENTS and abs(amount.amount_minor) <= MINOR_MAX
    if not is_readable or find_card_number(number) is not None:
        raise NoAnswerError(_UNREADABLE)
    return ResultCallback(f"rest-{number}", key, number, code_of(payment), _text(payment.get("message")), amount)


def _text(said: object) -> str:
    """Give what a processor says to a person, without what may not be kept."""
    return redact(str(said or "").replace("\0", ""))[:_MESSAGE_LENGTH_MAX]


def _refunded(refund: SubmittedRefund, told: dict[str, Any]) -> RefundAnswer:
    if told.get("status") not in FINAL:
        raise NoAnswerError("the processor hasn't decided on the refund")
    result = _result(told)
    if (result.attempt_id, result.amount) != (refund.key, Money(refund.amount_minor, refund.currency)):
        raise NoAnswerError("the processor's answer is to another refund")
    return RefundAnswer(result.code, result.message, result.transaction_id)


def _refusal(answer: httpx.Response) -> str:
    return _message(answer) or f"The processor answered {answer.status_code}."


def _message(answer: httpx.Response) -> str:
    try:
        body = _json(answer)
    except NoAnswerError:
        return ""
    error = body.get("error")
    return _text(error.get("message")) if isinstance(error, dict) else ""


def _at_once(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Work on some items at once; give the answers in their order."""
    if not items:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(items)), thread_name_prefix="processor") as pool:
        return list(pool.map(work, items))
