"""Requests that nobody should send, for every method of the service: made from its protos by a seed."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from boss.agreements import v1
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_TEXTS = (
    *("", " ", "\t\n", "x", "é" * 300, "x" * 100_000, "0", "-1", "9" * 40, "NaN", "1e999", "null", "{{ 7 * 7 }}"),
    *("'; DROP TABLE agreement; --", "%s%n", "../../etc/passwd", "\u202etxt", "\ud7ff", "😀", "a\x00b"),
    *("enterprises/", "enterprises/x", "enterprises//businessUnits/", "/", "00000000-0000-0000-0000-000000000000"),
)
_WORDS = (
    *("Membership", "Service", "access", "rental", "fee", "product", "service", "perpetual", "instalment", "once"),
    *("paid_in_full", "monthly_on_31", "monthly_on_32", "monthly_anniversary", "weekly", "every_0_weeks", "yearly"),
    *("every_104_weeks", "every_999_months", "unit", "time", "Freeze", "Hold", "Agreement", "Member", "Account"),
    *("Select One", "One or More", "Optional", "Add-on", "Primary", "renewal", "rewrite", "electronic", "manual"),
    *("USD", "EUR", "JPY", "percent", "amount", "Family", "Corporate", "Individual", "follow", "stay", "email", "cell"),
    *("fixed_1", "fixed_600", "fixed_601", "cash", "account credit", "funding source", "CASH", "CARD", "10", "100.5"),
    *("America/Denver", "Mars/Olympus", "Active", "Cancelled", "recent_member_months", "1", "2000-02-30"),
)
_INTS = (-(2**31), -1, 0, 1, 2, 7, 31, 600, 601, 2**31 - 1)
_LONGS = (-(2**63), -1, 0, 1, 35, 10_000_000_000, 92_233_720_368_547_758, 2**63 - 1)
_YEARS = (0, 1, 1899, 1900, 2025, 2026, 2027, 2199, 2200, 9999, 10_000, -5)
_FITTING: Mapping[str, Sequence[str]] = {
    "agreement_type": ("Membership", "Service"),
    "applied_to": ("", "Agreement", "Member", "Account"),
    "basis": ("", "time", "unit"),
    "billing": ("", "perpetual", "instalment", "paid_in_full"),
    "category": ("Dues",),
    "comments": ("", "Because."),
    "currency": ("USD",),
    "destination": ("account credit", "funding source", "cash"),
    "item": ("Gym access",),
    "kind": ("access", "rental", "fee", "service", "product", "percent", "amount"),
    "payment_plan": ("", "perpetual", "instalment", "paid_in_full"),
    "percent": ("8.25", "10"),
    "purpose": ("", "rewrite", "renewal"),
    "required": ("", "Select One", "Optional"),
    "schedule": ("", "monthly_anniversary", "monthly_on_15", "weekly"),
    "signature": ("electronic", "manual"),
    "tender": ("", "CASH", "CARD"),
    "term": ("", "perpetual", "fixed_12"),
    "time_zone": ("America/Denver",),
    "type": ("Freeze", "Hold", "Family", "Corporate", "Individual"),
    "units": ("1", "0.5"),
    "use": ("", "exception", "adjustment"),
    "page_token": ("",),
    "etag": ("1",),
    **dict.fromkeys(("display_name", "external_id", "first_name", "last_name", "tag"), ("A", "B", "C", "D", "E", "F")),
    **dict.fromkeys(("taxes", "approver_roles", "barcode", "exception_reason", "adjustment_reason"), ("",)),
    **dict.fromkeys(("on_expiry", "on_suspension"), ("", "follow", "stay")),
}
_CHOICES: Mapping[int, Sequence[Any]] = {
    FieldDescriptor.TYPE_BOOL: (True, False),
    FieldDescriptor.TYPE_BYTES: (b"", b"\xff\x00"),
    FieldDescriptor.TYPE_DOUBLE: (0.0, -1.0, 1e308, float("nan"), float("inf")),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 99),
    FieldDescriptor.TYPE_INT64: _LONGS,
}
_CURRENCIES = ("USD", "USD", "USD", "EUR", "JPY", "KWD", "XXX", "", "usd")
_DEPTH_MAX = 4
_NOUNS = {"businessUnits": "business_unit", "agreementRules": "agreement_rules", "taxes": "tax", "members": "owner"}
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Call:
    """A method and a request for it."""

    service: str
    method: MethodDescriptor
    request: Message


@dataclass
class Hostile:
    """Makes calls out of words, of nonsense, and of what the service said before."""

    random: Random
    today: date
    hostility: float = 0.2
    methods: Sequence[MethodDescriptor] = field(default_factory=lambda: list(_methods()))
    said: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    etags: dict[str, str] = field(default_factory=dict)
    answered: dict[str, list[Message]] = field(default_factory=lambda: defaultdict(list))

    def hear(self, message: Message) -> None:
        """Keep what an answer says, by field, and the names in it, by what they name."""
        for one, value in message.ListFields():
            for part in value if one.is_repeated and one.message_type is None else [value]:
                if isinstance(part, str):
                    self._keep(one.name, part)
            if one.message_type is not None and not one.message_type.GetOptions().map_entry:
                for part in value if one.is_repeated else [value]:
                    self.hear(part)
        if "etag" in message.DESCRIPTOR.fields_by_name and "name" in message.DESCRIPTOR.fields_by_name:
            self.etags[message.name] = message.etag  # type: ignore[attr-defined]

    def _keep(self, field_name: str, text: str) -> None:
        parts = text.split("/")
        pool = self.names[parts[-2]] if text.startswith("enterprises/") else self.said[field_name]
        if text not in pool:
            pool.append(text)
            del pool[:-40]

    def call(self) -> Call:
        """Make one call of any method: made up, or one that was answered before with a part of it changed."""
        method = self.random.choice(self.methods)
        self.hostility = self.random.choice([0.0, 0.0, 0.03, 0.2])
        before = self.answered.get(method.full_name)
        if before and self.random.random() < 0.6:
            return Call(method.containing_service.name, method, self._changed(self.random.choice(before)))
        return Call(method.containing_service.name, method, self.message(method.input_type))

    def keep(self, call: Call) -> None:
        """Keep a call that was answered, to change it a little later."""
        kept = self.answered[call.method.full_name]
        kept.append(call.request)
        del kept[:-10]

    def _changed(self, before: Message) -> Message:
        made = type(before)()
        made.CopyFrom(before)
        self.hostility = self.random.choice([0.3, 1.0])
        part: Message = made
        while True:
            inside = [one for one in part.DESCRIPTOR.fields if one.message_type is not None and not one.is_repeated]
            inside = [one for one in inside if part.HasField(one.name) and "google" not in one.message_type.full_name]
            if not inside or self.random.random() < 0.3:
                break
            part = getattr(part, self.random.choice(inside).name)
        one = self.random.choice(part.DESCRIPTOR.fields)
        part.ClearField(one.name)
        self._set(part, one, 1)
        if "request_id" in made.DESCRIPTOR.fields_by_name and one.name != "request_id":
            made.request_id = self._id()  # type: ignore[attr-defined]
        return made

    def message(self, kind: Descriptor, depth: int = 0) -> Message:
        """Fill a message."""
        if kind.full_name == "google.type.Date":
            return self._date(kind)
        if kind.full_name == "google.type.Money":
            return self._money(kind)
        made = GetMessageClass(kind)()
        for one in kind.fields:
            if depth >= _DEPTH_MAX and one.message_type is not None:
                continue
            needed = one.name in ("name", "parent", "request_id") or one.message_type is not None
            if one.name in ("page_token", "approver_roles") or self.random.random() < (0.02 if needed else 0.5):
                continue
            self._set(made, one, depth)
        if "etag" in kind.fields_by_name and self.random.random() > self.hostility:
            made.etag = self.etags.get(made.name, "1")  # type: ignore[attr-defined]
        return made

    def _set(self, made: Message, one: FieldDescriptor, depth: int) -> None:
        if one.message_type is not None and one.message_type.GetOptions().map_entry:
            getattr(made, one.name)[self._text(one)] = self._text(one)
            return
        if one.is_repeated:
            values = [self._value(one, depth) for _ in range(self.random.choice([0, 1, 1, 2, 3]))]
            getattr(made, one.name).extend(values)
            return
        value = self._value(one, depth)
        if isinstance(value, Message):
            getattr(made, one.name).CopyFrom(value)
        else:
            setattr(made, one.name, value)

    def _value(self, one: FieldDescriptor, depth: int) -> Any:
        if one.message_type is not None:
            return self.message(one.message_type, depth + 1)
        if one.type == FieldDescriptor.TYPE_STRING:
            return self._text(one)
        if one.type in _CHOICES:
            return self.random.choice(_CHOICES[one.type])
        return self.random.choice(_INTS if self.random.random() < self.hostility else (0, 0, 1, 2))

    def _text(self, one: FieldDescriptor) -> str:
        if one.name == "request_id" and self.random.random() > self.hostility / 4:
            return self._id()
        fitting = list(self._fitting(one))
        if self.random.random() < self.hostility:
            everything = [name for names in self.names.values() for name in names]
            anything = self.random.choice(everything) if everything else ""
            return self.random.choice([self.random.choice(_TEXTS), anything, self._unknown(anything)])
        if fitting:
            return self.random.choice(fitting)
        return self.random.choice([*_WORDS, self._id()])

    def _fitting(self, one: FieldDescriptor) -> Iterator[str]:
        """Give what the service called by such a field, or what it names."""
        yield from _FITTING.get(one.name, self.said[one.name])
        owner = _snake(one.containing_type.name)
        for collection, names in list(self.names.items()):
            noun = _NOUNS.get(collection, _snake(collection).removesuffix("s"))
            if one.name in ("name", "names"):
                fits = f"_{noun}_" in f"_{owner}_" or f"_{noun}s_" in f"_{owner}_"
            elif one.name == "parent":
                fits = collection in ("businessUnits", "enterprises", "members", "agreements")
            else:
                fits = noun in (one.name, one.name.removesuffix("s")) or one.name.endswith(f"_{noun}")
                if one.name == f"{noun}_id" or (one.name == "reason_id" and noun == "cancel_reason"):
                    yield from (name.rpartition("/")[2] for name in names)
            yield from names if fits else ()

    def _id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _unknown(self, name: str) -> str:
        """Give the name of something that isn't there, or that another enterprise may have."""
        parts = name.split("/")
        at = self.random.choice([len(parts) - 1, 1]) if len(parts) > 1 else 0
        parts[at] = self._id()
        return "/".join(parts)

    def _date(self, kind: Descriptor) -> Message:
        if self.random.random() < self.hostility:
            values = {"year": self.random.choice(_YEARS), "month": self.random.choice([0, 1, 2, 12, 13, -1])}
            return GetMessageClass(kind)(**values, day=self.random.choice([0, 1, 28, 30, 31, 32]))
        near = self.today + timedelta(days=self.random.choice([-400, -40, -3, -1, 0, 0, 0, 1, 5, 31, 62, 400]))
        return GetMessageClass(kind)(year=near.year, month=near.month, day=near.day)

    def _money(self, kind: Descriptor) -> Message:
        currency = self.random.choice(_CURRENCIES)
        if self.random.random() < self.hostility:
            nanos = self.random.choice([0, 1, -1, 999_999_999, -999_999_999, 2**31 - 1, -(2**31), 10_000_000])
            return GetMessageClass(kind)(currency_code=currency, units=self.random.choice(_LONGS), nanos=nanos)
        return GetMessageClass(kind)(currency_code="USD", units=self.random.choice([0, 5, 35, 120]))


class Listener:
    """A stub whose calls and answers are heard: what is asked well once is asked badly later."""

    def __init__(self, stub: Any, service: str, hostile: Hostile) -> None:
        self._stub, self._hostile = stub, hostile
        self._methods = {one.name: one for one in hostile.methods if one.containing_service.name == service}

    def __getattr__(self, name: str) -> Any:
        method, ask = self._methods[name], getattr(self._stub, name)

        def heard(request: Any, **values: Any) -> Any:
            asked = list(request) if method.client_streaming else [request]
            answer = ask(iter(asked) if method.client_streaming else request, **values)
            answers = list(answer) if method.server_streaming else [answer]
            for one in asked:
                self._hostile.keep(Call(method.containing_service.name, method, one))
            for one in (*asked, *answers):
                self._hostile.hear(one)
            return iter(answers) if method.server_streaming else answer

        return heard


def stubs() -> Mapping[str, Any]:
    """Give the stub classes of all services, by name."""
    found = {}
    for method in _methods():
        module = import_module(
            method.containing_service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc"
        )
        name = method.containing_service.name
        found[name] = getattr(module, f"{name}Stub")
    return found


def _methods() -> Iterator[MethodDescriptor]:
    for path in sorted(Path(next(iter(v1.__path__))).glob("*_service_pb2.py")):
        module = import_module(f"boss.agreements.v1.{path.stem}")
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def _snake(name: str) -> str:
    return _SNAKE.sub("_", name).lower()
