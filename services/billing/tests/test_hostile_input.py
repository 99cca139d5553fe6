"""Whatever anybody puts into any field of any method is answered with what is wrong with it (SPEC ALL-3)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from boss.options.v1 import options_pb2
from club import ENTERPRISE_ID, Club, unit_id
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc import RpcError
from hostile import STRANGER, live, methods, requests, spoilt, stub_class

from boss_billing.movements.commands import set_limit
from boss_kit.errors import BossError
from boss_kit.money import Money
from boss_kit.rpc.roles import ROLES

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
    assert refused == set()


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
    token = tokens.token("anna", nodes=[f"enterprises/{ENTERPRISE_ID}/businessUnits/{unit_id('Boulder Club')}"])
    before = written(club)
    answers = {method.full_name: answer(server, method, good, token) for method, good in requests(club)}
    assert {name: code for name, code in answers.items() if code != "PERMISSION_DENIED"} == {}
    assert written(club) == before


def test_all_3_every_command_repeated_has_one_effect_and_its_request_id_serves_no_other_request(
    club: Club, server: Any
) -> None:
    live(club)
    for method, good in commands(club):
        call = getattr(server.stub(stub_class(method)), method.name)
        untouched = written(club)
        first = call(good, timeout=20)
        before = written(club)
        assert changed(untouched, before) - {"request"}, f"{method.full_name} did nothing"
        assert call(good, timeout=20) == first, method.full_name
        assert reused(call, good), f"{method.full_name} took a request id for two requests"
        assert changed(before, written(club)) == set(), method.full_name


def test_all_3_every_method_that_takes_a_request_id_is_a_command_and_every_command_takes_one() -> None:
    named = {one.full_name for one in methods() if "request_id" in one.input_type.fields_by_name}
    assert {one.full_name for one in methods() if one.GetOptions().Extensions[options_pb2.command]} == named


@pytest.mark.parametrize("name", ["CreateBillRun", "ApproveBillRun", "StartBillRun", "CancelBillRun", "ResumeBillRun"])
def test_all_3_fifty_calls_about_a_run_with_one_request_id_have_one_effect_and_one_answer(
    name: str, club: Club, server: Any
) -> None:
    live(club)
    ((method, good),) = [one for one in commands(club) if one[0].name == name]
    call = getattr(server.stub(stub_class(method)), name)
    runs, tasks = club.one("SELECT count(*) FROM bill_run"), club.one("SELECT count(*) FROM task")
    with ThreadPoolExecutor(50) as pool:
        answers = {pool.submit(call, good, timeout=25) for _ in range(50)}
        said = {one.result().SerializeToString() for one in answers}
    assert len(said) == 1
    assert club.one("SELECT count(*) FROM bill_run") == runs + (name in ("CreateBillRun", "StartBillRun"))
    # What begins or ends a run asks for its work, once.
    assert club.one("SELECT count(*) FROM task") == tasks + (name not in ("CreateBillRun", "ApproveBillRun"))
    assert call(good, timeout=20).SerializeToString() in said


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


def commands(club: Club) -> Iterator[tuple[MethodDescriptor, Any]]:
    """Give each command with a good request for it."""
    for method, good in requests(club):
        if method.GetOptions().Extensions[options_pb2.command]:
            yield method, good


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


def written(club: Club) -> dict[str, str]:
    """Give all that billing has written, as a hash of each table's rows."""
    tables = club.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    hashed = "SELECT '{0}', md5(coalesce(string_agg(row::text, '' ORDER BY row::text), '')) FROM {0} AS row"
    return dict(tuple(row) for row in club.rows(" UNION ALL ".join(hashed.format(one) for (one,) in tables)))


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Name the tables that hold something else than before."""
    return {table for table in after if after[table] != before[table]}
