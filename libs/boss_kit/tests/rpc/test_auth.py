"""Whose tokens count, and for what."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from boss_kit.context import Actor
from boss_kit.errors import PermissionDenied, Transient, Unauthenticated
from boss_kit.rpc import roles
from boss_kit.rpc.auth import KeySet, Signer, Verifier, sign
from boss_kit.rpc.keys import make_keys
from boss_kit.testing.tokens import TokenMaker


def test_a_persons_token_gives_actor_roles_and_nodes(tokens: TokenMaker) -> None:
    text = tokens.token(
        "anna", ["controller"], ["enterprises/x"], work_role="Controller", location="HQ", workstation="7"
    )
    token = tokens.verifier("billing").verify(text)
    assert token.actor == Actor("anna", "Controller", "HQ", "7")
    assert (token.roles, token.nodes) == (("controller",), ("enterprises/x",))


def test_a_service_calls_on_behalf_of_a_person(tokens: TokenMaker) -> None:
    actor = Actor("anna", "Controller", approver=Actor("ben"))
    token = tokens.verifier("arm").verify(tokens.signer("billing").token("arm", actor))
    assert (token.issuer, token.actor, token.roles, token.nodes) == ("billing", actor, ("service",), ("*",))


def test_a_service_signs_once_per_audience_and_person_until_shortly_before_the_end(tokens: TokenMaker) -> None:
    signer = tokens.signer("billing")
    assert signer.token("arm") == signer.token("arm")
    assert signer.token("arm") != signer.token("agreements")
    assert signer.token("arm") != signer.token("arm", Actor("anna"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"audience": "arm"}, "isn't meant for billing"),
        ({"life_s": -60}, "has expired"),
        ({"roles": ["service"]}, "only a service's own key"),
    ],
)
def test_a_wrong_token_is_refused_and_says_why(tokens: TokenMaker, change: dict[str, Any], why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        tokens.verifier("billing").verify(tokens.token(**change))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "é.é.é", "." * 9])
def test_what_is_no_token_is_refused(tokens: TokenMaker, text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verifier("billing").verify(text)


def claims_of(service: str, **changes: Any) -> dict[str, Any]:
    basic = {
        "iss": service,
        "sub": service,
        "aud": "billing",
        "exp": int(time.time()) + 60,
        "roles": ["service"],
        "nodes": ["*"],
    }
    return {**basic, **changes}


@pytest.mark.parametrize("changes", [{"roles": ["platform_operator"]}, {"iss": "arm"}, {"sub": "anna"}, {"roles": []}])
def test_a_services_key_signs_only_for_the_service_itself(tokens: TokenMaker, changes: Any) -> None:
    key = tokens.service_key("notifications").read_bytes()
    text = sign(claims_of("notifications", **changes), key, key_id="notifications")
    with pytest.raises(Unauthenticated, match="only for the service itself"):
        tokens.verifier("billing").verify(text)


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp"])
def test_a_token_without_a_claim_is_refused(tokens: TokenMaker, missing: str) -> None:
    claims = claims_of("arm")
    del claims[missing]
    with pytest.raises(Unauthenticated):
        tokens.verifier("billing").verify(sign(claims, tokens.service_key("arm").read_bytes(), key_id="arm"))


def test_unsigned_and_symmetric_tokens_are_refused(tokens: TokenMaker) -> None:
    public = json.loads(tokens.jwks.read_text())["keys"][0]["x"].encode()
    for text in (
        jwt.encode(claims_of("arm"), None, algorithm="none", headers={"kid": "arm"}),
        jwt.encode(claims_of("arm"), public, algorithm="HS256", headers={"kid": "arm"}),
    ):
        with pytest.raises(Unauthenticated):
            tokens.verifier("billing").verify(text)


def test_a_changed_token_is_refused(tokens: TokenMaker) -> None:
    head, body, signature = tokens.token("anna", ["auditor"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["roles"] = ["platform_operator"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        tokens.verifier("billing").verify(f"{head}.{forged}.{signature}")


def test_a_new_key_is_found_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_keys(tmp_path, ["users"])
    keys = KeySet(str(tmp_path / "jwks.json"))
    keys.load()
    make_keys(tmp_path, ["users", "arm"])
    text = Signer("arm", (tmp_path / "arm.pem").read_bytes()).token("billing")
    with pytest.raises(Unauthenticated):
        Verifier("billing", keys).verify(text)
    monkeypatch.setattr("boss_kit.rpc.auth.REFRESH_S_MIN", 0)
    assert Verifier("billing", keys).verify(text).issuer == "arm"


def test_keys_that_cannot_be_read_are_a_passing_trouble(tmp_path: Path) -> None:
    with pytest.raises(Transient):
        KeySet(str(tmp_path / "none.json")).load()


def test_existing_keys_are_kept(tmp_path: Path) -> None:
    first = make_keys(tmp_path, ["users", "arm"]).read_text()
    assert make_keys(tmp_path, ["users", "arm"]).read_text() == first
    assert (tmp_path / "arm.pem").stat().st_mode & 0o077 == 0


def test_arm_1_only_the_platform_operator_turns_arm_on() -> None:
    assert [role for role in roles.ROLES if roles.allows([role], "arm.enable")] == ["platform_operator"]


@pytest.mark.parametrize(
    ("permission", "holders"),
    [
        ("billing.callbacks.report", {"platform_operator", "service", "processor"}),
        ("notifications.callbacks.report", {"platform_operator", "service", "provider"}),
        ("arm.steps.release", {"platform_operator", "service"}),
        ("platform.tasks.run", {"platform_operator"}),
    ],
)
def test_what_machines_say_to_each_other_nobody_says_at_a_desk(permission: str, holders: set[str]) -> None:
    assert {role for role in roles.ROLES if roles.allows([role], permission)} == holders


@pytest.mark.parametrize(
    ("pattern", "permission", "answer"),
    [
        ("*", "billing.invoices.get", True),
        ("billing.*", "billing.invoices.get", True),
        ("billing.*", "billingx.invoices.get", False),
        ("*.get", "billing.invoices.get", True),
        ("*.get", "billing.invoices.forget", False),
        ("billing.invoices.get", "billing.invoices.get", True),
        ("billing.invoices.get", "billing.invoices.getAll", False),
    ],
)
def test_patterns(pattern: str, permission: str, answer: Any) -> None:
    assert roles.matches(pattern, permission) is answer


def test_an_approver_is_another_person_with_a_token_of_their_own(
    notes: Any, tokens: TokenMaker, enterprise: str
) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub, tokens.token("anna", ["front_desk"], [enterprise]))
    request = notes.pb.GetNoteRequest(name=enterprise)
    ben = tokens.token("ben", ["controller"], [enterprise])
    stub.GetNote(request, metadata=[("boss-approval", f"Bearer {ben}")])
    assert notes.seen[0].actor.approver == Actor("ben")
    anna = tokens.token("anna", ["controller"], [enterprise])
    with pytest.raises(PermissionDenied, match="own action"):
        stub.GetNote(request, metadata=[("boss-approval", f"Bearer {anna}")])
    with pytest.raises(Unauthenticated):
        stub.GetNote(request, metadata=[("boss-approval", "Bearer nonsense")])
    stranger = tokens.token("cleo", ["controller"], ["enterprises/00000000-0000-0000-0000-000000000001"])
    with pytest.raises(PermissionDenied, match="approver"):
        stub.GetNote(request, metadata=[("boss-approval", f"Bearer {stranger}")])
