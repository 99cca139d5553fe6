"""Collections' part of an account's story (SPEC ALL-2)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from boss.collections.v1 import collections_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2 as timeline_pb
from collections_facts import DAY, Feed, account, open_item


def story(timeline: Any, number: str, page_size: int = 0) -> list[timeline_pb.TimelineEntry]:
    entries: list[timeline_pb.TimelineEntry] = []
    request = timeline_pb.ListTimelineEntriesRequest(parent=account(number).name, page_size=page_size)
    while True:
        response = timeline.ListTimelineEntries(request)
        entries += response.timeline_entries
        if not response.next_page_token:
            return entries
        request.page_token = response.next_page_token


def test_all_2_the_story_is_told_in_sentences_oldest_first(feed: Feed, collections: Any, timeline: Any) -> None:
    of = account("M1")
    feed.unit()
    feed.owes(of, DAY, open_item(of, DAY, 5900), number="M1")
    collections.SetStage(pb.SetStageRequest(account=of.name, stage="Not Set", request_id=str(uuid4())))
    feed.handed_over(of, DAY - timedelta(days=2), 5900, "Acme Recovery")
    collections.SetStage(pb.SetStageRequest(account=of.name, stage="Sent", request_id=str(uuid4())))
    found = story(timeline, "M1")
    assert [entry.text for entry in found] == [
        "Handed over to collections for Acme Recovery, owing 59.00 USD past due.",
        "Collections stage changed from Not Set to Pending by SYS.",
        "Collections stage changed from Pending to Sent by operator.",
    ]
    assert [(entry.kind, entry.service, entry.subject) for entry in found] == [
        ("hand-over", "collections", of.name),
        ("stage", "collections", of.name),
        ("stage", "collections", of.name),
    ]
    assert [entry.correlation for entry in found[:2]] == ["story-1", "story-1"]


def test_all_3_the_story_is_paged_without_loss(feed: Feed, timeline: Any) -> None:
    for days in range(5):
        feed.handed_over(account("M1"), DAY + timedelta(days=days))
    assert story(timeline, "M1", page_size=1) == story(timeline, "M1")
    assert len(story(timeline, "M1")) == 6


def test_all_2_an_account_nobody_has_heard_of_has_an_empty_story(timeline: Any) -> None:
    assert story(timeline, "nobody") == []
