"""Stages by staff and by hand-over, over real gRPC and a real database (SPEC COL-4)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from boss.collections.v1 import collections_service_pb2 as pb
from boss.collections.v1 import collections_service_pb2_grpc
from boss.events.collections.v1 import collections_events_pb2 as events
from boss.events.v1 import event_pb2
from collections_facts import AUSTIN, DAY, DENVER, ENTERPRISE, Feed, account, open_item, unit_name
from google.type import date_pb2

from boss_collections.stages.rules import NOT_SET, PENDING, SENT, STAGES, after_hand_over
from boss_kit.context import Actor
from boss_kit.errors import BossError, InvalidArgument, NotFound, PermissionDenied
from boss_kit.testing.outbox import written_events
from boss_kit.testing.server import ServerUnderTest
from boss_kit.testing.tokens import TokenMaker

PARENT = f"enterprises/{ENTERPRISE}"


@pytest.fixture
def known(feed: Feed) -> Feed:
    """Know two accounts that owe."""
    feed.unit()
    for number in ("M1", "M2"):
        feed.owes(account(number), DAY, open_item(account(number), DAY, 100), number=number)
    return feed


def set_stage(collections: Any, number: str, stage: str, request_id: UUID | None = None) -> pb.Stage:
    request = pb.SetStageRequest(account=account(number).name, stage=stage, request_id=str(request_id or uuid4()))
    answered: pb.Stage = collections.SetStage(request)
    return answered


def stage_of(collections: Any, number: str) -> pb.Stage:
    answered: pb.Stage = collections.GetStage(pb.GetStageRequest(account=account(number).name))
    return answered


def published(engine: sa.Engine) -> list[event_pb2.Event]:
    with engine.connect() as connection:
        return list(written_events(connection))


def changes(engine: sa.Engine) -> list[tuple[str, str, str]]:
    rows = sa.text("SELECT previous_stage, stage, actor->>'user' FROM stage_change ORDER BY create_time, id")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(rows)]


@pytest.mark.parametrize(("before", "after"), [(NOT_SET, PENDING), (PENDING, PENDING), (SENT, SENT)])
def test_col_4_a_hand_over_moves_only_what_is_not_set(before: str, after: str) -> None:
    assert after_hand_over(before) == after


def test_col_4_an_account_nobody_has_set_is_not_set(known: Feed, collections: Any) -> None:
    found = stage_of(collections, "M1")
    assert (found.stage, found.set_by, found.HasField("set_date")) == ("Not Set", "", False)


def test_col_4_staff_sets_a_stage_and_it_says_who_and_when(
    known: Feed, server: ServerUnderTest, tokens: TokenMaker, collections: Any
) -> None:
    token = tokens.token("anna", ["collector"], [unit_name()])
    set_stage(server.stub(collections_service_pb2_grpc.CollectionsServiceStub, token), "M1", "Sent")
    found = stage_of(collections, "M1")
    assert (found.stage, found.set_by, found.set_date) == ("Sent", "anna", date_pb2.Date(year=2026, month=3, day=10))


def test_col_4_every_change_is_remembered_with_its_actor(
    known: Feed, server: ServerUnderTest, tokens: TokenMaker, engine: sa.Engine
) -> None:
    for user, stage in (("anna", "Pending"), ("ben", "Sent"), ("anna", "Not Set")):
        token = tokens.token(user, ["collector"], [PARENT])
        set_stage(server.stub(collections_service_pb2_grpc.CollectionsServiceStub, token), "M1", stage)
    assert changes(engine) == [
        ("Not Set", "Pending", "anna"),
        ("Pending", "Sent", "ben"),
        ("Sent", "Not Set", "anna"),
    ]


def test_col_4_the_stage_it_has_already_changes_and_publishes_nothing(
    known: Feed, collections: Any, engine: sa.Engine
) -> None:
    set_stage(collections, "M1", "Sent")
    set_stage(collections, "M1", "Sent")
    assert (len(changes(engine)), len(published(engine))) == (1, 1)


def test_all_3_a_repeated_request_has_one_effect_and_one_answer(
    known: Feed, collections: Any, engine: sa.Engine
) -> None:
    request_id = uuid4()
    first = set_stage(collections, "M1", "Sent", request_id)
    set_stage(collections, "M1", "Pending")
    assert set_stage(collections, "M1", "Sent", request_id) == first
    assert stage_of(collections, "M1").stage == "Pending"
    with pytest.raises(BossError) as refused:
        set_stage(collections, "M1", "Not Set", request_id)
    assert refused.value.reason == "REQUEST_ID_REUSED"


def test_col_4_each_change_is_published_as_state_with_a_growing_version(
    known: Feed, collections: Any, engine: sa.Engine
) -> None:
    for stage in ("Pending", "Sent"):
        set_stage(collections, "M1", stage)
    found = published(engine)
    assert [event.type for event in found] == ["boss.collections.stage.v1.changed"] * 2
    assert [event.version for event in found] == [1, 2]
    assert {event.key for event in found} == {str(account("M1").account_id)}
    assert events.StageChanged.FromString(found[1].data) == events.StageChanged(
        account=account("M1").name, stage="Sent"
    )
    assert found[0].subject == account("M1").name


def test_col_4_an_unknown_account_is_not_found(known: Feed, collections: Any) -> None:
    for ask in (lambda: stage_of(collections, "nobody"), lambda: set_stage(collections, "nobody", "Sent")):
        with pytest.raises(NotFound, match="there is no account"):
            ask()


def test_col_4_an_account_of_another_unit_is_not_found_under_this_one(known: Feed, collections: Any) -> None:
    elsewhere = account("M1").name.replace(str(DENVER), str(AUSTIN))
    with pytest.raises(NotFound):
        collections.SetStage(pb.SetStageRequest(account=elsewhere, stage="Sent", request_id=str(uuid4())))


def test_all_3_a_stage_there_is_not_is_refused_by_its_field(known: Feed, collections: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        set_stage(collections, "M1", "Lost")
    assert refused.value.violations[0].field == "stage"


def test_col_4_who_may_only_look_may_not_set(known: Feed, server: ServerUnderTest, tokens: TokenMaker) -> None:
    auditor = server.stub(
        collections_service_pb2_grpc.CollectionsServiceStub, tokens.token("carl", ["auditor"], [PARENT])
    )
    assert stage_of(auditor, "M1").stage == "Not Set"
    with pytest.raises(PermissionDenied):
        set_stage(auditor, "M1", "Sent")


def test_col_4_accounts_are_listed_by_stage_and_number(known: Feed, collections: Any) -> None:
    set_stage(collections, "M2", "Sent")
    listed = {
        stage: [row.account for row in collections.ListStages(pb.ListStagesRequest(parent=PARENT, stage=stage)).stages]
        for stage in ("", *STAGES)
    }
    one, two = account("M1").name, account("M2").name
    assert listed == {"": [one, two], "Not Set": [one], "Pending": [], "Sent": [two]}
    assert not collections.ListStages(pb.ListStagesRequest(parent=unit_name(AUSTIN))).stages


def test_all_3_stages_are_paged(known: Feed, collections: Any) -> None:
    first = collections.ListStages(pb.ListStagesRequest(parent=PARENT, page_size=1))
    second = collections.ListStages(pb.ListStagesRequest(parent=PARENT, page_size=1, page_token=first.next_page_token))
    assert [row.account for row in (*first.stages, *second.stages)] == [account("M1").name, account("M2").name]
    assert second.next_page_token == ""


def test_col_4_a_hand_over_makes_the_stage_pending_on_its_day(known: Feed, collections: Any, engine: sa.Engine) -> None:
    day = DAY + timedelta(days=3)
    known.handed_over(account("M1"), day)
    found = stage_of(collections, "M1")
    assert (found.stage, found.set_by) == ("Pending", "SYS")
    assert found.set_date == date_pb2.Date(year=day.year, month=day.month, day=day.day)
    (event,) = published(engine)
    assert events.StageChanged.FromString(event.data).stage == "Pending"
    assert event.correlation == "story-1"
    assert (event.business_date, Actor.from_json(event.actor).user) == (found.set_date, "SYS")


def test_col_4_a_hand_over_does_not_move_back_what_was_sent(known: Feed, collections: Any, engine: sa.Engine) -> None:
    set_stage(collections, "M1", "Sent")
    known.handed_over(account("M1"))
    assert stage_of(collections, "M1").stage == "Sent"
    assert len(published(engine)) == 1
    assert hand_overs(engine) == 1


def test_col_4_a_second_hand_over_leaves_a_pending_account_alone(known: Feed, engine: sa.Engine) -> None:
    known.handed_over(account("M1"))
    known.handed_over(account("M1"))
    assert (hand_overs(engine), len(published(engine))) == (2, 1)


def test_all_4_a_hand_over_before_the_first_balance_is_not_lost(feed: Feed, collections: Any) -> None:
    feed.handed_over(account("M9"))
    feed.owes(account("M9"), DAY, open_item(account("M9"), DAY, 100), number="M9")
    assert stage_of(collections, "M9").stage == "Pending"


def test_all_4_the_same_hand_over_delivered_twice_counts_once(known: Feed, engine: sa.Engine) -> None:
    event = known.hand_over(account("M1"))
    for _ in range(2):
        known.send("arm", [event])
    assert (hand_overs(engine), len(published(engine)), len(changes(engine))) == (1, 1, 1)


def test_col_4_a_page_of_hand_overs_moves_each_of_its_accounts(known: Feed, engine: sa.Engine) -> None:
    accounts = [account(f"P{index}") for index in range(120)]
    known.send("arm", [known.hand_over(one, date(2026, 3, 11)) for one in accounts])
    assert sorted(event.subject for event in published(engine)) == sorted(one.name for one in accounts)
    assert hand_overs(engine) == 120


def hand_overs(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM hand_over")) or 0)


def test_all_3_changes_at_the_same_time_follow_one_another(known: Feed, collections: Any, engine: sa.Engine) -> None:
    with ThreadPoolExecutor(6) as pool:
        wanted = [STAGES[index % len(STAGES)] for index in range(18)]
        list(pool.map(lambda stage: set_stage(collections, "M1", stage), wanted))
    found = published(engine)
    assert [event.version for event in found] == list(range(1, len(found) + 1))
    stages = [events.StageChanged.FromString(event.data).stage for event in found]
    assert stages[-1] == stage_of(collections, "M1").stage
    befores = [NOT_SET, *stages[:-1]]
    assert sorted(changes(engine)) == sorted((*pair, "operator") for pair in zip(befores, stages, strict=True))
