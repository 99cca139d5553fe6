"""Webhooks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from standardwebhooks.webhooks import Webhook as Signature

from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import UnitOfWork, no_facts
from boss_kit.web import NO_ENTERPRISE, Webhook, WebServer, make_app

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"payment": "p1"}'


@pytest.fixture
def taken() -> Any:
    return []


@pytest.fixture
def address(kit_engine: sa.Engine, taken: list[bytes]) -> Iterator[Any]:
    def take(tx: Any, body: bytes) -> None:
        if body == b"bad":
            raise InvalidArgument("BAD_BODY", "That is no callback.")
        if body == b"bug":
            raise KeyError("hush")
        tx.enqueue("callback", key=str(len(taken)), enterprise_id=NO_ENTERPRISE)
        taken.append(body)

    units = UnitOfWork(kit_engine, "test", no_facts)
    hook = Webhook("/callbacks", [SECRET, OLD_SECRET], take, body_bytes_max=1000)
    server = WebServer(make_app(units, [hook]), "127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def headers(body: bytes = BODY, webhook_id: str = "msg_1", at: datetime | None = None, secret: str = SECRET) -> Any:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signature(secret).sign(webhook_id, at, body.decode()),
    }


def post(address: str, body: bytes = BODY, **changes: Any) -> Any:
    return httpx.post(
        f"{address}/callbacks", content=body, headers=changes.pop("headers", None) or headers(body, **changes)
    )


def test_a_signed_webhook_is_taken_once_per_id(address: str, taken: list[bytes]) -> None:
    assert post(address).json() == {"repeated": False}
    assert post(address).json() == {"repeated": True}
    assert post(address, webhook_id="msg_2", secret=OLD_SECRET).json() == {"repeated": False}
    assert taken == [BODY, BODY]


def test_a_replayed_webhook_is_counted_and_has_no_second_effect(address: str, taken: list[bytes]) -> None:
    before = count("replayed")
    sent = headers()
    assert [post(address, headers=sent).status_code for _ in range(3)] == [200, 200, 200]
    assert (count("replayed") - before, taken) == (2, [BODY])


def test_a_webhook_id_that_comes_again_with_another_body_is_refused_and_counted(
    address: str, taken: list[bytes]
) -> None:
    before = count("webhook_id_reused")
    assert post(address).status_code == 200
    assert post(address, b'{"payment": "p2"}').status_code == 409
    assert (count("webhook_id_reused") - before, taken) == (1, [BODY])


def test_what_follows_a_webhook_may_fail_and_the_sender_has_done_its_part(kit_engine: sa.Engine) -> None:
    gone_on: list[bytes] = []

    def then(units: UnitOfWork, context: Any, body: bytes) -> None:
        gone_on.append(body)
        raise RuntimeError("hush")

    hook = Webhook("/callbacks", [SECRET], lambda tx, body: None, then=then)
    server = WebServer(make_app(UnitOfWork(kit_engine, "test", no_facts), [hook]), "127.0.0.1:0")
    server.start()
    try:
        assert post(f"http://127.0.0.1:{server.port}").status_code == 200
        assert post(f"http://127.0.0.1:{server.port}").json() == {"repeated": True}
    finally:
        server.stop()
    assert gone_on == [BODY]


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_webhook_outside_the_window_is_refused(address: str, taken: list[bytes], minutes: int) -> None:
    assert post(address, at=datetime.now(UTC) + timedelta(minutes=minutes)).status_code == 401
    assert taken == []


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1e400"},
        {"webhook-timestamp": "nan"},
        {"webhook-id": ""},
        {"webhook-id": "msg_other"},
        {"webhook-id": "x" * 300},
    ],
)
def test_a_malformed_header_is_the_callers_fault(address: str, taken: list[bytes], change: dict[str, Any]) -> None:
    found = {key: value.encode() for key, value in {**headers(), **change}.items()}
    answer = post(address, headers=found)
    assert 400 <= answer.status_code < 500
    assert taken == []


def test_missing_headers_changed_and_binary_bodies_are_refused_and_counted(address: str, taken: list[bytes]) -> None:
    before = count("signature")
    assert httpx.post(f"{address}/callbacks", content=BODY).status_code == 401
    assert post(address, b"{}", headers=headers()).status_code == 401
    assert post(address, b"\xff\xfe", headers=headers()).status_code == 401
    assert (count("signature") - before, taken) == (3, [])


def test_a_body_that_is_too_long_is_refused(address: str) -> None:
    assert post(address, b"x" * 1001).status_code == 413


def test_a_body_the_service_cannot_use_is_a_4xx_and_its_id_stays_free(address: str, kit_engine: sa.Engine) -> None:
    answer = post(address, b"bad")
    assert (answer.status_code, answer.json()) == (400, {"error": "bad_body", "message": "That is no callback."})
    with kit_engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM request")) == 0


def test_a_fault_of_ours_leaks_nothing(address: str) -> None:
    answer = post(address, b"bug")
    assert answer.status_code == 500
    assert "hush" not in answer.text


def test_other_methods_and_paths_are_not_there(address: str) -> None:
    assert httpx.get(f"{address}/callbacks").status_code == 405
    assert httpx.get(f"{address}/elsewhere").status_code == 404
    assert httpx.get(f"{address}/healthz").status_code == 200


def count(why: str) -> Any:
    return REGISTRY.get_sample_value("boss_webhooks_refused_total", {"route": "/callbacks", "why": why}) or 0
