"""kill -9 of a real `run` process between send and record (SPEC NOT-5)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from boss.arm.v1 import cycle_service_pb2 as arm_pb
from boss.arm.v1 import cycle_service_pb2_grpc as arm_grpc
from notification_facts import NOON, TODAY, Club

from boss_kit import schema
from boss_kit.database import open_database
from boss_kit.events.consumer import Consumer
from boss_kit.unit_of_work import UnitOfWork
from boss_mail_catcher import MailCatcher
from boss_notifications.events import encode
from boss_notifications.subscriptions import SUBSCRIPTIONS

EMAILS = 6
KILLED_AFTER = 3
DEADLINE_S = 40.0


class ReleasingArm(arm_grpc.CycleServiceServicer):  # type: ignore[misc]
    """An ARM that lets every step out."""

    def ReleaseSteps(self, request: arm_pb.ReleaseStepsRequest, context: object) -> arm_pb.ReleaseStepsResponse:
        releases = [arm_pb.StepRelease(step_id=step_id, released=True) for step_id in request.step_ids]
        return arm_pb.ReleaseStepsResponse(releases=releases)


@pytest.fixture
def own_club(database_url: str) -> Iterator[Club]:
    engine = open_database(database_url, 2)
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.test_clock).values(id=1, now=NOON))
    units = UnitOfWork(engine, "notifications", encode, test_clock=True)
    club = Club(units, Consumer(units, SUBSCRIPTIONS))
    club.open_unit()
    template = club.add_template("Email")
    for number in range(EMAILS):
        club.add_member(f"M{number}")
        club.request(f"M{number}", "Email", template)
    with units.begin(club.context()) as tx:
        tx.enqueue("dispatch", key="dispatch/1", business_date=TODAY)
    yield club
    engine.dispose()


@pytest.fixture
def start(database_url: str, serving: Any, tokens: Any) -> Callable[..., Any]:
    arm = serving("arm", [lambda server: arm_grpc.add_CycleServiceServicer_to_server(ReleasingArm(), server)])

    @contextmanager
    def started(catcher: MailCatcher, *, queryable: bool) -> Iterator["subprocess.Popen[bytes]"]:
        environ = {
            **os.environ,
            "DATABASE_URL": database_url,
            "BOSS_JWKS": str(tokens.jwks),
            "BOSS_SERVICE_KEY": str(tokens.service_key("notifications")),
            "BOSS_ARM_ADDRESS": arm.address,
            "BOSS_SMTP_ADDRESS": catcher.smtp_address,
            "BOSS_SMTP_QUERY_URL": catcher.query_url if queryable else "",
            "BOSS_SENDER_LEASE_S": "1",
            "BOSS_TEST_CLOCK": "on",
            "BOSS_CONSUMERS": "collections",
        }
        process = subprocess.Popen([sys.executable, "-m", "boss_notifications", "run"], env=environ)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    return started


def facts_told(club: Club) -> int:
    """Count what left the outbox and what is still in it."""
    with club.units.engine.connect() as connection:
        published = connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(schema.published_events.c.events), 0)))
        return int(published or 0) + len(club.events())


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


@pytest.mark.parametrize("queryable", [True, False])
def test_not_5_a_killed_sender_sends_nothing_twice(
    own_club: Club, start: Callable[..., Any], tmp_path: Path, queryable: bool
) -> None:
    running: list[subprocess.Popen[bytes]] = []

    def kill_once(path: Path) -> None:
        # The mail is kept, its sender doesn't know yet: the worst moment.
        if running and len(list(path.parent.glob("*.eml"))) == KILLED_AFTER:
            os.kill(running.pop().pid, signal.SIGKILL)

    catcher = MailCatcher(tmp_path / "mail", on_mail=kill_once)
    catcher.start()
    with start(catcher, queryable=queryable) as first:
        running.append(first)
        assert first.wait(DEADLINE_S) == -signal.SIGKILL
    assert "sending" in own_club.states()

    def is_done() -> bool:
        with own_club.units.engine.connect() as connection:
            return connection.scalar(sa.select(schema.task.c.state).where(schema.task.c.name == "dispatch")) == "done"

    with start(catcher, queryable=queryable):
        wait_for(is_done)
    catcher.stop()
    assert sorted(catcher.mails.counts().values()) == [1] * EMAILS, "each Message-ID once"
    unknown = 0 if queryable else 1
    assert sorted(own_club.states()) == ["sent"] * (EMAILS - unknown) + ["unknown"] * unknown
    assert facts_told(own_club) == EMAILS, "one fact for each"
