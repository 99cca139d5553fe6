"""One gRPC interceptor that leads every call of ours through the stages, in order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from itertools import chain
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message

from boss_kit.errors import InvalidArgument
from boss_kit.rpc.calls import Call, enter
from boss_kit.rpc.methods import Method

Behavior = Callable[[Any, grpc.ServicerContext], Any]
# gRPC gives calls without a deadline one in the far future.
NO_DEADLINE_S = 10 * 365 * 24 * 3600


class Stage(Protocol):
    """One concern around a call and its request messages."""

    def around(self, call: Call, context: grpc.ServicerContext) -> AbstractContextManager[None]:
        """Do what has to be done before and after the call."""
        ...

    def message(self, call: Call, message: Message) -> None:
        """Check one message of the request."""
        ...


class Unreadable:
    """Stands for bytes that aren't the request's message, so that the error stage can say so."""


class Pipeline(grpc.ServerInterceptor):  # type: ignore[type-arg]
    """Wraps the handlers of the methods it knows; health and reflection pass untouched."""

    def __init__(self) -> None:
        self._methods: Mapping[str, Method] = {}
        self._stages: Sequence[Stage] = ()

    def open(self, methods: Mapping[str, Method], stages: Sequence[Stage]) -> None:
        """Take the methods, which are known only after the servicers were added."""
        self._methods, self._stages = methods, stages

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """Give the handler that runs the stages around the servicer's own."""
        handler = continuation(details)
        method = self._methods.get(details.method)
        if handler is None or method is None:
            return handler
        metadata = {key: value for key, value in details.invocation_metadata if isinstance(value, str)}
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        def call_of(context: grpc.ServicerContext) -> Call:
            remaining_s: float | None = context.time_remaining()
            if remaining_s is not None and remaining_s > NO_DEADLINE_S:
                remaining_s = None
            return Call(method, metadata, remaining_s, getattr(inner, "per_record_validation", False))

        make = _ONE_ANSWER if not handler.response_streaming else _MANY_ANSWERS
        admit = self._admit_stream if handler.request_streaming else self._admit_one
        return make[handler.request_streaming](
            _behavior(inner, call_of, self._stages, admit, streams=handler.response_streaming),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _admit_one(self, call: Call, request: Any) -> Any:
        if isinstance(request, Unreadable):
            raise InvalidArgument(
                "UNREADABLE_REQUEST", "The request isn't this method's message, or a text isn't UTF-8."
            )
        for stage in self._stages:
            stage.message(call, request)
        return request

    def _admit_stream(self, call: Call, requests: Iterator[Any]) -> Iterator[Any]:
        # The first message tells whom the call is for, which the servicer's transaction needs.
        first = [self._admit_one(call, request) for request in _take_one(requests)]
        return chain(first, (self._admit_one(call, request) for request in requests))


_ONE_ANSWER = {False: grpc.unary_unary_rpc_method_handler, True: grpc.stream_unary_rpc_method_handler}
_MANY_ANSWERS = {False: grpc.unary_stream_rpc_method_handler, True: grpc.stream_stream_rpc_method_handler}


def _behavior(
    inner: Behavior,
    call_of: Callable[[grpc.ServicerContext], Call],
    stages: Sequence[Stage],
    admit: Callable[[Call, Any], Any],
    *,
    streams: bool,
) -> Behavior:
    def enter_all(stack: ExitStack, call: Call, context: grpc.ServicerContext) -> None:
        enter(call)
        for stage in stages:
            stack.enter_context(stage.around(call, context))

    def one(request: Any, context: grpc.ServicerContext) -> Any:
        call = call_of(context)
        with ExitStack() as stack:
            enter_all(stack, call, context)
            return inner(admit(call, request), context)

    def many(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        call = call_of(context)
        with ExitStack() as stack:
            enter_all(stack, call, context)
            yield from inner(admit(call, request), context)

    return many if streams else one


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
