"""Leads every call of ours through the stages, in order: each handler is wrapped once, when its service is added."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from boss_kit.errors import InvalidArgument
from boss_kit.rpc.calls import Call, enter
from boss_kit.rpc.methods import Method
from boss_kit.rpc.stages.errors import CANCELLED, Errors
from boss_kit.rpc.texts import Column, columns_of

Behavior = Callable[[Any, grpc.ServicerContext], Any]
# gRPC gives calls without a deadline one in the far future.
NO_DEADLINE_S = 10 * 365 * 24 * 3600


class Stage(Protocol):
    """One concern around a call and its request messages."""

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Do what has to be done before the call; what has to be done after it goes to `call.at_end`."""
        ...

    def message(self, call: Call, message: Message, texts: list[Column]) -> None:
        """Check one message of the request."""
        ...


class Unreadable:
    """Stands for bytes that aren't the request's message, so that its caller can be told so."""


class Pipeline:
    """Wraps the handlers of our methods; health and reflection pass untouched."""

    def __init__(self, stages: Sequence[Stage], errors: Errors) -> None:
        self._stages = stages
        self._errors = errors

    def wrap(self, handlers: Mapping[str, Any], methods: Mapping[str, Method]) -> dict[str, Any]:
        """Give handlers by their names that run the stages around the servicer's own."""
        return {name: self._wrap(handler, methods[name]) for name, handler in handlers.items()}

    def _wrap(self, handler: Any, method: Method) -> Any:
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        make = _ONE_ANSWER if not handler.response_streaming else _MANY_ANSWERS
        admit = self._admit_stream if handler.request_streaming else self._admit_one
        behavior = self._answer_many if handler.response_streaming else self._answer_one
        return make[handler.request_streaming](
            behavior(inner, method, admit),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _answer_one(self, inner: Behavior, method: Method, admit: Callable[[Call, Any], Any]) -> Behavior:
        per_record = getattr(inner, "per_record_validation", False)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            call = _call(method, context, per_record=per_record)
            try:
                self._begin(call, context)
                return inner(admit(call, request), context)
            except Exception as error:
                self._errors.answer(call, context, error)
                raise
            finally:
                call.end()

        return answer

    def _answer_many(self, inner: Behavior, method: Method, admit: Callable[[Call, Any], Any]) -> Behavior:
        per_record = getattr(inner, "per_record_validation", False)

        def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            call = _call(method, context, per_record=per_record)
            try:
                self._begin(call, context)
                yield from inner(admit(call, request), context)
            except GeneratorExit:
                call.code = CANCELLED
                raise
            except Exception as error:
                self._errors.answer(call, context, error)
                raise
            finally:
                call.end()

        return answer

    def _begin(self, call: Call, context: grpc.ServicerContext) -> None:
        enter(call)
        for stage in self._stages:
            stage.begin(call, context)

    def _admit_one(self, call: Call, request: Any) -> Any:
        if isinstance(request, Unreadable):
            raise InvalidArgument(
                "UNREADABLE_REQUEST", "The request isn't this method's message, or a text isn't UTF-8."
            )
        texts = columns_of(request, deep=not call.per_record_validation)
        for stage in self._stages:
            stage.message(call, request, texts)
        return request

    def _admit_stream(self, call: Call, requests: Iterator[Any]) -> Iterator[Any]:
        # The first message tells whom the call is for, which the servicer's transaction needs.
        first = [self._admit_one(call, request) for request in _take_one(requests)]
        return chain(first, (self._admit_one(call, request) for request in requests))


_ONE_ANSWER = {False: grpc.unary_unary_rpc_method_handler, True: grpc.stream_unary_rpc_method_handler}
_MANY_ANSWERS = {False: grpc.unary_stream_rpc_method_handler, True: grpc.stream_stream_rpc_method_handler}


def _call(method: Method, context: grpc.ServicerContext, *, per_record: bool) -> Call:
    remaining_s: float | None = context.time_remaining()
    if remaining_s is not None and remaining_s > NO_DEADLINE_S:
        remaining_s = None
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return Call(method, metadata, remaining_s, per_record)


def _take_one(requests: Iterator[Any]) -> Iterator[Any]:
    for request in requests:
        yield request
        return


def _tolerant(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except (DecodeError, ValueError):
            return Unreadable()

    return read
