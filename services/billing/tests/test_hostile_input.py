"""Whatever anybody puts into any field of any method is answered with what is wrong with it (SPEC ALL-3)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from club import Club
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hostile import live, requests, spoilt, stub_class

from boss_kit.errors import BossError

BROKEN = ("INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED")


def answer(server: Any, method: MethodDescriptor, request: Message) -> str:
    """Call; give the code of the answer."""
    call = getattr(server.stub(stub_class(method)), method.name)
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
    # Drafts, alerts and open callbacks there are none of; what a run's state refuses is read before that.
    assert refused == {"ApproveBillRun", "StartBillRun", "CancelBillRun", "ResolveDeclineAlert", "ResolveCallback"}
