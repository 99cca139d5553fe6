"""Whatever anybody puts into any field of any method is answered with what is wrong with it (SPEC ALL-3)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from boss.options.v1 import options_pb2
from club import AUSTIN, ENTERPRISE_ID, Club, unit_id
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc import RpcError
from hostile import STRANGER, live, methods, requests, spoilt, stub_class

from boss_billing.movements.commands import set_limit
from boss_kit.errors import BossError
from boss_kit.money import Money
from boss_kit.rpc.roles import ROLES

NOTHING_TO_DO = {"ApproveBillRun", "StartBillRun", "CancelBillRun", "ResolveDeclineAlert", "ResolveCallback"}
"""Drafts, alerts and open callbacks there are none of; what a run's state refuses is read before that."""

MOVES_MONEY = {
    *("CreateCredit", "CreateDebit", "CreateWriteOff", "ReverseWriteOff", "WaiveFee", "CreateReturn", "CreateRefund"),
    *("CreateChargeback", "ReverseChargeback"),
}
"""What staff decide; a payment at the desk brings its money along."""

BROKEN = ("INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED")


def answer(server: Any, method: MethodDescriptor, request: Message, token: str | None = None) -> str:
    """Call; give the code of the answer."""
    call = getattr(server.stub(stub_class(method), token), method.name)
    try:
        answers = call(iter([request]) if method.client_streaming else request, timeout=20)
        for _ in answers if method.server_streaming else ():
            pass
    except BossError as error:
        return error.code
    return "OK"


def test_all_3_no_value_of_any_field_breaks_billing_or_its_books(club: Club, server: Any) -> None:
    live(club)
    broken: Sequence[str] = []
    answers: Counter[str] = Counter()
    for method, good in requests(club):
        for bad in spoilt(good):
            code = answer(server, method, bad)
            answers[code] += 1
            if code in BROKEN:
                broken = [*broken, f"{method.full_name} broke by {bad}"]
    assert broken == []
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"} <= set(answers)
    club.assert_books()


def test_all_3_what_is_spoilt_is_good_before(club: Club, server: Any) -> None:
    live(club)
    refused = {method.name for method, good in requests(club) if answer(server, method, good) != "OK"}
    assert refused == NOTHING_TO_DO


def permission_of(method: MethodDescriptor) -> str:
    permission: str = method.GetOptions().Extensions[options_pb2.permission]
    return permission


def test_all_3_no_method_of_billing_answers_a_caller_without_its_permission(
    club: Club, server: Any, tokens: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(club)
    token = tokens.token("carl", ["all_but_one"], [f"enterprises/{ENTERPRISE_ID}"])
    every = {permission_of(method) for method in methods()}
    before = written(club)
    for method, good in requests(club):
        # Every permission there is but the one that is asked for.
        mine = tuple(sorted(every - {permission_of(method)}))
        monkeypatch.setitem(cast("dict[str, tuple[str, ...]]", ROLES), "all_but_one", mine)
        assert answer(server, method, good, token) == "PERMISSION_DENIED", method.full_name
    assert written(club) == before


def test_all_3_no_method_of_billing_reaches_into_a_unit_the_callers_token_does_not_cover(
    club: Club, server: Any, tokens: Any
) -> None:
    live(club)
    token = tokens.token("anna", nodes=[f"enterprises/{ENTERPRISE_ID}/businessUnits/{unit_id(AUSTIN)}"])
    before = written(club)
    answers = {method.full_name: answer(server, method, good, token) for method, good in requests(club)}
    assert {name: code for name, code in answers.items() if code != "PERMISSION_DENIED"} == {}
    assert written(club) == before


def test_all_3_every_command_repeated_has_one_effect_and_its_request_id_serves_no_other_request(
    club: Club, server: Any
) -> None:
    live(club)
    refused = set()
    for method, good in requests(club):
        if not method.GetOptions().Extensions[options_pb2.command]:
            continue
        call = getattr(server.stub(stub_class(method)), method.name)
        try:
            first = call(good, timeout=20)
        except BossError:
            refused.add(method.name)
            continue
        before = written(club)
        assert call(good, timeout=20) == first, method.full_name
        assert reused(call, good), f"{method.full_name} took a request id for two requests"
        assert written(club) == before, method.full_name
    assert refused == NOTHING_TO_DO


def test_bil_11_every_door_where_staff_move_money_asks_for_a_second_person_who_may_approve(
    club: Club, server: Any, tokens: Any
) -> None:
    live(club)
    with club.units.begin(club.context()) as tx:
        set_limit(tx, ENTERPRISE_ID, None, Money(0, "USD"))
    # Each person: nobody, the one who asks, one who may not approve, one who may.
    people = ("", "anna", "carl", "boris")
    token_of = {
        "anna": tokens.token("anna"),
        "carl": tokens.token("carl", ["front_desk"], [f"enterprises/{ENTERPRISE_ID}"]),
        "boris": tokens.token("boris", ["controller"], [f"enterprises/{ENTERPRISE_ID}"]),
    }
    answers = {}
    for method, good in requests(club):
        if method.name in MOVES_MONEY:
            stub = stub_class(method)(server.plain)
            call = getattr(stub, method.name)
            answers[method.name] = [approved(call, good, token_of["anna"], token_of.get(one, "")) for one in people]
    refused = ["FAILED_PRECONDITION", "PERMISSION_DENIED", "PERMISSION_DENIED"]
    assert answers == {name: [*refused, "OK"] for name in MOVES_MONEY}
    club.assert_books()


def approved(call: Any, request: Message, token: str, approval: str) -> str:
    metadata = [("authorization", f"Bearer {token}")]
    if approval:
        metadata.append(("boss-approval", f"Bearer {approval}"))
    try:
        call(request, timeout=20, metadata=metadata)
    except RpcError as error:
        code: str = error.code().name  # type: ignore[attr-defined]
        return code
    return "OK"


def reused(call: Any, good: Message) -> bool:
    """Send other requests under the id of a good one; tell whether one that could be read was refused for that."""
    request_id: str = good.request_id  # type: ignore[attr-defined]
    for other in (*spoilt(good), *about_others(good)):
        other.request_id = request_id  # type: ignore[attr-defined]
        # Another enterprise has ids of its own.
        if other == good or f"enterprises/{STRANGER}" in str(other):
            continue
        with pytest.raises(BossError) as caught:
            call(other, timeout=20)
        if caught.value.reason == "REQUEST_ID_REUSED":
            return True
    return False


def about_others(good: Message) -> Iterator[Message]:
    """Give a request about something else of its kind, for each thing it names."""
    for field, value in good.ListFields():
        if isinstance(value, str) and "/" in value:
            other = type(good)()
            other.CopyFrom(good)
            setattr(other, field.name, f"{value.rpartition('/')[0]}/{STRANGER}")
            yield other


def written(club: Club) -> list[Any]:
    """Count what billing has written, and add up what it says."""
    tables = (
        "invoice",
        "payment",
        "attempt",
        "transfer",
        "movement",
        "refund",
        "deposit",
        "outbox",
        "bill_run",
        "task",
    )
    sums = "SELECT sum(version), sum(credit_minor), (SELECT sum(balance_minor) FROM invoice) FROM account"
    return [*(club.one(f"SELECT count(*) FROM {table}") for table in tables), club.one(sums)]
