"""Who calls, and whether they may do that to those nodes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import grpc
from boss.options.v1 import options_pb2
from google.protobuf.message import Message

from boss_kit.context import Actor
from boss_kit.errors import InvalidArgument, PermissionDenied, Unauthenticated
from boss_kit.names import covers
from boss_kit.rpc.auth import EVERYWHERE, Token, Verifier
from boss_kit.rpc.calls import Call
from boss_kit.rpc.content import Text, texts_of
from boss_kit.rpc.roles import SERVICE
from boss_kit.rpc.stages.base import QuietStage

TOKEN_KEY = "authorization"  # noqa: S105 - its name, not its value
APPROVAL_KEY = "boss-approval"
_ROOT = "enterprises/"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_INDEX = re.compile(r"\[[^\]]*\]")
_ENTERPRISE = re.compile(rf"enterprises/({_UUID})(?:/.*)?", re.DOTALL)


class AuthenticationStage(QuietStage):
    """Turns the bearer token into the call's actor, roles and nodes."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    @contextmanager
    def around(self, call: Call, context: grpc.ServicerContext) -> Iterator[None]:
        """Verify the caller's token and the approver's."""
        call.token = self._verify(call.metadata.get(TOKEN_KEY, ""))
        actor = call.token.actor
        if APPROVAL_KEY in call.metadata:
            call.approval = self._verify(call.metadata[APPROVAL_KEY])
            actor = replace(actor, approver=_approver(call.token, call.approval))
        call.context = replace(call.context, actor=actor, roles=call.token.roles, nodes=call.token.nodes)
        yield

    def _verify(self, value: str) -> Token:
        scheme, _, text = value.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Unauthenticated(
                "TOKEN_MISSING", "The call has no token; send metadata `authorization: Bearer <token>`."
            )
        return self._verifier.verify(text.strip())


class AuthorizationStage(QuietStage):
    """Compares the method's permission with the roles, and the request's resource names with the nodes."""

    @contextmanager
    def around(self, call: Call, context: grpc.ServicerContext) -> Iterator[None]:
        """Refuse a caller whose roles don't hold the permission."""
        # Without a token, which the stage before took care of, nothing is allowed either.
        if call.token is None or not call.token.may(call.method.permission):
            raise PermissionDenied(
                "PERMISSION_MISSING",
                f"This needs the permission {call.method.permission}.",
                metadata={"permission": call.method.permission},
            )
        yield

    def message(self, call: Call, message: Message) -> None:
        """Refuse names outside the caller's nodes, and set the enterprise the call is for."""
        names = [
            text for text in texts_of(message, deep=not call.per_record_validation) if text.value.startswith(_ROOT)
        ]
        for text in names:
            _require_covered(call.context.nodes, text, "your token", message)
            if call.approval is not None:
                _require_covered(call.approval.nodes, text, "the approver's token", message)
        found = {UUID(match[1]) for text in names if (match := _ENTERPRISE.fullmatch(text.value))}
        _set_enterprise(call, found)


def _approver(token: Token, approval: Token) -> Actor:
    if approval.actor.user == token.actor.user:
        raise PermissionDenied(
            "APPROVER_IS_CALLER", "Nobody can approve their own action; send another person's token."
        )
    if SERVICE in approval.roles:
        raise PermissionDenied("APPROVER_IS_SERVICE", "Only a person can approve.")
    return replace(approval.actor, approver=None)


def _require_covered(nodes: tuple[str, ...], text: Text, whose: str, message: Message) -> None:
    if EVERYWHERE in nodes or any(covers(node, text.value) for node in nodes):
        return
    owner = text.value.rsplit("/", 2)[0]
    # What is inherited downward may be named below its owner; whether it exists there is the servicer's question.
    if any(covers(owner, node) for node in nodes) and _is_inherited(message.DESCRIPTOR, text.path):
        return
    raise PermissionDenied(
        "NODE_NOT_COVERED", f"{text.path}: {whose} doesn't cover this name.", metadata={"field": text.path}
    )


def _is_inherited(message: Any, path: str) -> bool:
    """Tell what the proto says of a field; descriptors have several types, none of which covers the others."""
    inside, field = message, None
    for name in _INDEX.sub("", path).split("."):
        field = inside.fields_by_name.get(name) if inside is not None else None
        inside = field.message_type if field is not None else None
    extension: Any = options_pb2.inherited
    return field is not None and bool(field.GetOptions().Extensions[extension])


def _set_enterprise(call: Call, found: set[UUID]) -> None:
    if call.context.enterprise_id is not None:
        found.add(call.context.enterprise_id)
    if len(found) > 1:
        raise InvalidArgument("SEVERAL_ENTERPRISES", "A call can't be about several enterprises; make one for each.")
    if found:
        call.context = replace(call.context, enterprise_id=found.pop())
    elif EVERYWHERE not in call.context.nodes:
        raise PermissionDenied(
            "NODE_NOT_COVERED", "The request names nothing below your nodes; only an operator may do that."
        )
