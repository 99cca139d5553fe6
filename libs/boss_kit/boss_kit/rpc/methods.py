"""What the protos say about a method: its permission, whether it is a command, its messages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from boss.options.v1 import options_pb2
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Method:
    """One method of one service."""

    path: str
    name: str
    permission: str
    command: bool
    streams: bool
    watch: bool
    response_class: type[Message]


def per_record_validation(function: _F) -> _F:
    """Mark a servicer's method that checks its stream record by record, with `content.check_record`."""
    function.per_record_validation = True  # type: ignore[attr-defined]
    return function


def read_methods(services: Iterable[str]) -> dict[str, Method]:
    """Read the methods of services by path.

    Raises LookupError for a method without a permission and for a command without a `request_id`: a server with one
    must not start.
    """
    pool = descriptor_pool.Default()
    methods = {}
    for service in services:
        for descriptor in pool.FindServiceByName(service).methods:
            method = _read(service, descriptor)
            methods[method.path] = method
    return methods


def _read(service: str, descriptor: MethodDescriptor) -> Method:
    extensions: Any = descriptor.GetOptions().Extensions
    permission: str = extensions[options_pb2.permission]
    command: bool = extensions[options_pb2.command]
    name = f"{service}.{descriptor.name}"
    if not permission:
        raise LookupError(f"{name} has no permission; its proto needs `option (boss.options.v1.permission)`")
    if command and "request_id" not in descriptor.input_type.fields_by_name:
        raise LookupError(f"{name} is a command, but its request has no field request_id")
    streams = bool(descriptor.client_streaming or descriptor.server_streaming)
    return Method(
        path=f"/{service}/{descriptor.name}",
        name=name,
        permission=permission,
        command=command,
        streams=streams,
        watch=streams and descriptor.name.startswith("Watch"),
        response_class=message_factory.GetMessageClass(descriptor.output_type),
    )
