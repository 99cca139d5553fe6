"""Who calls, and whether they may do that to those nodes."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import grpc
from boss.options.v1 import options_pb2
from google.protobuf.message import Message

from boss_kit.context import Actor, Context
from boss_kit.errors import InvalidArgument, PermissionDenied, Unauthenticated
from boss_kit.names import covers
from boss_kit.rpc.auth import EVERYWHERE, Token, Verifier
from boss_kit.rpc.calls import Call
from boss_kit.rpc.content import Text, texts_of
from boss_kit.rpc.roles import SERVICE
from boss_kit.rpc.stages.base import QuietStage
from boss_kit.rpc.texts import Column

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

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Verify the caller's token and the approver's."""
        token = call.token = self._verify(call.metadata.get(TOKEN_KEY, ""))
        actor = token.actor
        if APPROVAL_KEY in call.metadata:
            call.approval = self._verify(call.metadata[APPROVAL_KEY])
            actor = replace(actor, approver=_approver(token, call.approval))
        story = call.context
        call.context = Context(
            actor=actor,
            correlation=story.correlation,
            traceparent=story.traceparent,
            nodes=token.nodes,
            roles=token.roles,
        )

    def _verify(self, value: str) -> Token:
        scheme, _, text = value.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Unauthenticated(
                "TOKEN_MISSING", "The call has no token; send metadata `authorization: Bearer <token>`."
            )
        return self._verifier.verify(text.strip())


class AuthorizationStage(QuietStage):
    """Compares the method's permission with the roles, and the request's resource names with the nodes."""

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Refuse a caller whose roles don't hold the permission."""
        # Without a token, which the stage before took care of, nothing is allowed either.
        if call.token is None or not call.token.may(call.method.permission):
            raise PermissionDenied(
                "PERMISSION_MISSING",
                f"This needs the permission {call.method.permission}.",
                metadata={"permission": call.method.permission},
            )

    def message(self, call: Call, message: Message, texts: list[Column]) -> None:
        """Refuse names outside the caller's nodes, and set the enterprise the call is for."""
        names = {value for _, values in texts for value in values if value.startswith(_ROOT)}
        if not _are_covered(call.context.nodes, names):
            _require_each_covered(call, call.context.nodes, "your token", message)
        if call.approval is not None and not _are_covered(call.approval.nodes, names):
            _require_each_covered(call, call.approval.nodes, "the approver's token", message)
        _set_enterprise(call, {found for name in names if (found := _enterprise_of(name)) is not None})


def _approver(token: Token, approval: Token) -> Actor:
    if approval.actor.user == token.actor.user:
        raise PermissionDenied(
            "APPROVER_IS_CALLER", "Nobody can approve their own action; send another person's token."
        )
    if SERVICE in approval.roles:
        raise PermissionDenied("APPROVER_IS_SERVICE", "Only a person can approve.")
    return replace(approval.actor, approver=None)


def _are_covered(nodes: tuple[str, ...], names: Iterable[str]) -> bool:
    return EVERYWHERE in nodes or all(any(covers(node, name) for node in nodes) for name in names)


def _require_each_covered(call: Call, nodes: tuple[str, ...], whose: str, message: Message) -> None:
    for text in texts_of(message, deep=not call.per_record_validation):
        if text.value.startswith(_ROOT):
            _require_covered(nodes, text, whose, message)


def _require_covered(nodes: tuple[str, ...], text: Text, whose: str, message: Message) -> None:
    if _are_covered(nodes, [text.value]):
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


@lru_cache(maxsize=4096)
def _enterprise_of(name: str) -> UUID | None:
    match = _ENTERPRISE.fullmatch(name)
    return UUID(match[1]) if match else None


def _set_enterprise(call: Call, found: set[UUID]) -> None:
    if call.context.enterprise_id is not None:
        found.add(call.context.enterprise_id)
    if len(found) > 1:
        raise InvalidArgument("SEVERAL_ENTERPRISES", "A call can't be about several enterprises; make one for each.")
    if call.context.enterprise_id in found:
        return
    if found:
        call.context = replace(call.context, enterprise_id=found.pop())
    elif EVERYWHERE not in call.context.nodes:
        raise PermissionDenied(
            "NODE_NOT_COVERED", "The request names nothing below your nodes; only an operator may do that."
        )
