"""Which facts there are, read from the published protos: type -> message class and kind."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import boss.events
from boss.options.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

MessageClass = type[Message]


@dataclass(frozen=True)
class FactType:
    """A type of fact: the message it travels as, and whether it is state."""

    type: str
    message: MessageClass
    is_state: bool


@cache
def fact_types() -> Mapping[str, FactType]:
    """Give every fact of every service by its event type."""
    found = {fact.type: fact for module in _modules() for fact in _facts(module.DESCRIPTOR)}
    return MappingProxyType(found)


@cache
def state_types() -> frozenset[str]:
    """Give the event types whose facts are state: of those an older version is skipped."""
    return frozenset(name for name, fact in fact_types().items() if fact.is_state)


def _modules() -> Iterator[ModuleType]:
    # By their files: generated folders are namespace packages, which pkgutil doesn't walk.
    for root in map(Path, boss.events.__path__):
        for file in sorted(root.rglob("*_pb2.py")):
            yield importlib.import_module(".".join(["boss.events", *file.relative_to(root).with_suffix("").parts]))


def _facts(file: FileDescriptor) -> Iterator[FactType]:
    for descriptor in file.message_types_by_name.values():
        name = _option(descriptor, options_pb2.event_type)
        if name:
            is_state = _option(descriptor, options_pb2.fact_kind) == options_pb2.FACT_KIND_STATE
            yield FactType(name, GetMessageClass(descriptor), is_state)


def _option(descriptor: Descriptor, option: Any) -> Any:
    # The stubs give extensions as plain field descriptors.
    return descriptor.GetOptions().Extensions[option]
