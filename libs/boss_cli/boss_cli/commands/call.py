"""`boss call`: any method of any service, with a request and an answer in JSON."""

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2

from boss_cli import screen
from boss_cli.commands.tasks import Service
from boss_cli.failures import BossCommandError
from boss_cli.session import request_id, session_of

_WRITERS: dict[type, Callable[[Any], str]] = {
    money_pb2.Money: screen.money,
    date_pb2.Date: screen.day,
    Timestamp: screen.time,
    Message: lambda message: json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None),
    bool: lambda flag: screen.yes_no(value=flag),
    bytes: lambda content: f"{len(content)} bytes",
}
PACKAGES = ("boss.{service}.v1", "boss.platform.v1")


def call(
    context: typer.Context,
    service: Service,
    method: Annotated[str, typer.Argument(help="Such as AgreementWriterService.QuoteDraft.", metavar="SERVICE.METHOD")],
    request: Annotated[
        list[str] | None,
        typer.Argument(help="The request: JSON, or FIELD=VALUE …; without it JSON is read from the input."),
    ] = None,
    show: Annotated[str, typer.Option(help="Only these fields, such as `name` or `lines.item,lines.total`.")] = "",
    save: Annotated[str, typer.Option(help="Write a field's bytes to a file.", metavar="FIELD=FILE")] = "",
) -> None:
    """Call a method; a command without a request_id gets a new one."""
    described = _described(service, method)
    asked = _request(described, request or [])
    answer = _ask(session_of(context).clients.channels[service], described, asked)
    if save:
        field, _, file = save.partition("=")
        Path(file).write_bytes(_followed(answer, field))
    if show:
        _print_fields(answer, show.split(","))
    elif not save:
        screen.out().print(json_format.MessageToJson(answer, preserving_proto_field_name=True, indent=2))


def _request(method: MethodDescriptor, words: Sequence[str]) -> Message:
    asked: Message = message_factory.GetMessageClass(method.input_type)()
    try:
        if words and not words[0].lstrip().startswith("{"):
            json_format.ParseDict(dict(word.split("=", 1) for word in words), asked)
        else:
            json_format.Parse(words[0] if words else sys.stdin.read(), asked)
    except (json_format.ParseError, ValueError) as error:
        raise BossCommandError(f"The request is no {method.input_type.name}: {error}.") from None
    if "request_id" in method.input_type.fields_by_name and not getattr(asked, "request_id", ""):
        json_format.ParseDict({"request_id": request_id()}, asked)
    return asked


def _described(service: str, method: str) -> MethodDescriptor:
    wanted, _, name = method.partition(".")
    for package in (package.format(service=service) for package in PACKAGES):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if module.name.endswith("_service_pb2"):
                importlib.import_module(f"{package}.{module.name}")
        try:
            found = descriptor_pool.Default().FindServiceByName(f"{package}.{wanted}").methods_by_name[name]
        except KeyError:
            continue
        if found.client_streaming or found.server_streaming:
            raise BossCommandError(f"{method} is a stream; `boss call` asks once and answers once.")
        return found
    raise BossCommandError(f"{service} has no method {method!r}; {_known(service, wanted)}")


def _known(service: str, wanted: str) -> str:
    """Say which methods the named service has, or which services there are to name."""
    packages = [package.format(service=service) for package in PACKAGES]
    pool = descriptor_pool.Default()
    for package in packages:
        with contextlib.suppress(KeyError):
            methods = pool.FindServiceByName(f"{package}.{wanted}").methods_by_name
            return f"{wanted} has {', '.join(methods)}."
    names = {
        name
        for package in packages
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if module.name.endswith("_service_pb2")
        for name in importlib.import_module(f"{package}.{module.name}").DESCRIPTOR.services_by_name
    }
    return f"write SERVICE.METHOD, where SERVICE is one of {', '.join(sorted(names))}."


def _ask(channel: Any, method: MethodDescriptor, request: Message) -> Message:
    answer = message_factory.GetMessageClass(method.output_type)
    ask = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    answered: Message = ask(request)
    return answered


def _print_fields(answer: Message, paths: list[str]) -> None:
    """Print one value bare, several with their names, those of a list as a table, and one of a list line by line."""
    heads = {path.partition(".")[0] for path in paths}
    lists = [head for head in heads if _is_list_of_messages(answer, head)]
    if lists and len(heads) > 1:
        raise BossCommandError("--show takes the fields of one list, or fields beside lists, not both.")
    if lists:
        rests = [path.partition(".")[2] for path in paths]
        rows = [[_text(one, rest) for rest in rests] for one in getattr(answer, lists[0])]
        printed: Any = screen.table(rests, rows) if len(rests) > 1 else "\n".join(row[0] for row in rows)
    elif len(paths) == 1:
        printed = _text(answer, paths[0], "\n")
    else:
        printed = screen.table(("field", "value"), [(path, _text(answer, path)) for path in paths])
    if isinstance(printed, str):
        screen.out().print(screen.clean(printed), soft_wrap=True)
    else:
        screen.out().print(printed)


def _is_list_of_messages(message: Message, field: str) -> bool:
    described = message.DESCRIPTOR.fields_by_name.get(field)
    return described is not None and described.is_repeated and described.message_type is not None


def _text(message: Message, path: str, separator: str = "; ") -> str:
    value, described = _followed(message, path), _field_of(message, path)
    if described.is_repeated:
        return separator.join(_plain(one, described) for one in value)
    return _plain(value, described)


def _plain(value: Any, described: FieldDescriptor) -> str:
    names: EnumDescriptor | None = described.enum_type
    if names:
        return str(names.values_by_number[value].name)
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return str(value)


def _followed(message: Message, path: str) -> Any:
    value: Any = message
    for part in path.split("."):
        if not isinstance(value, Message) or part not in value.DESCRIPTOR.fields_by_name:
            raise BossCommandError(f"The answer has no field {path!r}.")
        value = getattr(value, part)
    return value


def _field_of(message: Message, path: str) -> FieldDescriptor:
    *before, last = path.split(".")
    holder: Any = _followed(message, ".".join(before)) if before else message
    fields: dict[str, FieldDescriptor] = holder.DESCRIPTOR.fields_by_name
    return fields[last]
