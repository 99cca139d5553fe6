"""Whatever anybody sends to any method is answered with what is wrong, never by something that broke (SPEC ALL-3)."""

import os
from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from agreements_catalogue import CANCEL_REASON, CLASSIFICATION, GROUP, PROMOTION, REQUEST_REASON, RULES, WORK_ROLE
from agreements_club import Club, day
from agreements_desk import Writer
from agreements_frozen import Desk
from agreements_hostile import Call, Hostile, Listener, stubs
from agreements_rewrites import Desk as Rewriter
from agreements_wizard import Wizard
from boss.agreements.v1 import activity_service_pb2 as activities_pb
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import member_service_pb2 as members_pb
from boss.agreements.v1 import reason_service_pb2 as reasons_pb

from boss_kit.errors import BossError

SEEDS, CALLS = (range(12), 6000) if os.environ.get("BOSS_FAULTS") == "all" else (range(2), 700)
BROKEN = ("INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED")


@pytest.mark.parametrize("seed", SEEDS)
def test_all_3_no_input_of_any_method_breaks_the_service(
    writer: Writer, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    club, hostile = writer.club, Hostile(Random(seed), date(2026, 1, 1))
    connect = club.server.stub

    def listen(kind: Any, *token: Any, **values: Any) -> Listener:
        return Listener(connect(kind, *token, **values), kind.__name__.removesuffix("Stub"), hostile)

    monkeypatch.setattr(club.server, "stub", listen)
    callers = {name: club.server.stub(kind) for name, kind in stubs().items()}
    for field, service in (("members", "Member"), ("agreements", "Agreement"), ("due_charges", "DueCharge")):
        monkeypatch.setattr(club, field, callers[f"{service}Service"])
    lead_a_life(club, hostile, callers)
    answers: set[str] = set()
    for _ in range(CALLS):
        call = hostile.call()
        code = answer_to(callers[call.service], call)
        assert code not in BROKEN, f"{call.method.full_name} broke by {call.request}"
        answers.add(code)
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "ABORTED"} <= answers
    assert club.parked() == []


def answer_to(stub: Any, call: Call) -> str:
    """Call; give the code of the answer."""
    request = iter([call.request]) if call.method.client_streaming else call.request
    try:
        getattr(stub, call.method.name)(request, timeout=20)
    except BossError as error:
        return error.code
    return "OK"


def lead_a_life(club: Club, hostile: Hostile, callers: Mapping[str, Any]) -> None:
    """Do what a desk does, once and well: it is what the calls afterwards are made of."""
    writer, desk, wizard = Writer(club, club.billing, club.sales), Desk(club), Wizard(club)
    catalogue = writer.catalogue
    rules = catalogue.create(RULES(display_name="Rules", renewal_before_days=400, renewal_after_days=60))
    group = catalogue.create(GROUP(display_name="Family", type="Family", add_ons_allowed=True))
    catalogue.create(WORK_ROLE(display_name="Manager"))
    catalogue.create(CLASSIFICATION(display_name="Full access"))
    catalogue.create(PROMOTION(display_name="New Year", kind="percent", percent="10", start_date=day("2026-01-01")))
    definition = writer.offer(agreement_rules=rules.name)
    rewriting = catalogue.create(CANCEL_REASON(display_name="Change", rewrite=True))
    wizard.usual = wizard.reason(display_name="Moving")
    desk.reason()
    every = reasons_pb.LinkChoice(select_all=True)
    callers["ReasonService"].SetDefinitionReasons(
        reasons_pb.SetDefinitionReasonsRequest(
            definition=definition.name, cancel_reasons=every, suspension_reasons=every, request_id=str(uuid4())
        )
    )
    draft = writer.draft(payment_plan="paid_in_full", group=group.name)
    writer.quote(draft)
    sold = writer.finalize(draft).agreement
    writer.draft()
    club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=sold))
    club.members.GetMember(members_pb.GetMemberRequest(name=club.member_name()))
    desk.preview("2026-01-10", "2026-01-20", agreement=sold)
    frozen = desk.suspend("2026-01-10", "2026-01-20", agreement=sold)
    desk.change(frozen.name, end_date="2026-01-25")
    desk.rescind(frozen.name)
    source = writer.source(f"{club.unit}/accounts/{club.account_id()}")
    hostile.names["fundingSources"].append(source)
    wizard.preview(sold, "2026-01-20", funding_source=source)
    wizard.rescind(wizard.request(sold, "2026-01-20", funding_source=source))
    rewriter = Rewriter(club, catalogue, callers["RewriteService"], rewriting)
    rewriter.preview(sold)
    rewriter.rewrite(sold)
    desk.check_in(club.member_name())
    desk.activities.CreateActivityPurchase(
        activities_pb.CreateActivityPurchaseRequest(
            parent=club.member_name(),
            activity=activities_pb.Activity(
                item="Towel", kind="service", granted_units="3", expiry_date=day("2026-05-01")
            ),
            request_id=str(uuid4()),
        )
    )
    desk.redeem(club.member_name(), item="Towel")
    desk.due("2026-01-01")
    catalogue.create(REQUEST_REASON(display_name="Hardship", use="exception"))
