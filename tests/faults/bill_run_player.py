"""Plays days of billing in forked processes, each killed with SIGKILL at the database statement it is told to.

Reads a JSON object a line (`url`, `seed`, `kill_at`; 0 is never) and answers each with one: the signal the process
ended by, and how many statements it got to.
"""

import json
import os
import random
import signal
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[2] / "services" / "billing" / "tests"))
from club import AUSTIN, DAY, Club, Wire, due, record, unit_id

from boss_billing.adapters.conduct import Behaviour
from boss_billing.batches import rules as batches
from boss_billing.events import encode
from boss_billing.payments.rules import Label
from boss_kit import schema
from boss_kit.database import open_database
from boss_kit.unit_of_work import UnitOfWork

MEMBERS = 14
DAYS = 5
"""A result may be asked for a day late, and what was never tried is tried the day after."""
# What a processor may do with an answer, and which codes it gives.
BEHAVIOURS = (Behaviour.TIMES_OUT, Behaviour.LOST, Behaviour.TWICE, Behaviour.LATE, Behaviour.REVERSED, Behaviour.NEVER)
CODES = ("D03", "D16", "D14", "D13")


def main() -> None:
    """Play until there is nothing more to read."""
    for line in sys.stdin:
        order = json.loads(line)
        reader, writer = os.pipe()
        process_id = os.fork()
        if process_id == 0:
            os.close(reader)
            play(order["url"], order["seed"], order["kill_at"], writer)
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            counted = answer.read()
        _, status = os.waitpid(process_id, 0)
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        sys.stdout.write(json.dumps({"ended_by": ended_by, "statements": int(counted or 0)}) + "\n")
        sys.stdout.flush()


def play(url: str, seed: int, kill_at: int, report_to: int) -> None:
    """Play the days from wherever those before were killed; each step may be repeated."""
    engine = open_database(url, pool_size=4)
    reached = day_reached(engine)
    # Every other seed lets each page, which has two charges, be a batch.
    batches.PAYMENTS_AT_ONCE = 2 if seed % 2 else MEMBERS
    club = Club(UnitOfWork(engine, "billing", encode, test_clock=True))
    misbehave(club, seed)
    club.wire = SameAnswers(club.wire.inner)
    if club.one("SELECT count(*) FROM account") == 0:
        prepare(club)
    statements = Countdown(engine, kill_at)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE task SET next_attempt_time = now() WHERE state = 'pending'"))
    for offset in range((reached - DAY).days, DAYS):
        play_day(club, offset)
    os.write(report_to, str(statements.count).encode())


def day_reached(engine: sa.Engine) -> date:
    """Read the day that was being played: days never go back."""
    with engine.connect() as connection:
        now = connection.scalar(sa.select(schema.test_clock.c.now))
    return now.date() if now is not None else DAY


def play_day(club: Club, offset: int) -> None:
    """Play a day: the janitor, the run, results, the card updater, retries."""
    club.set_clock(DAY + timedelta(days=offset))
    finish_tasks(club)
    club.ask("ask-processor")
    finish_tasks(club)
    club.play(club.day)
    club.ask("ask-processor")
    club.ask("apply-callbacks")
    finish_tasks(club)
    club.deliver()
    club.deliver(Label.RETRY)


def finish_tasks(club: Club) -> None:
    """Do tasks until none is left: one whose process was killed is free as soon as the database notices."""
    while club.one("SELECT count(*) FROM task WHERE state = 'pending'"):
        club.do_tasks()


def prepare(club: Club) -> None:
    """Make the club's accounts, in one transaction; an old debt takes part, too."""
    club.settings(card_updater=True)
    ordinary = [record(f"M{number}") for number in range(MEMBERS - 2)]
    expired = record(f"M{MEMBERS - 2}", exp_month="1", exp_year="2025")
    old = record("OLD", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.add(*ordinary, expired, record("X1", business_unit=AUSTIN), old)


def misbehave(club: Club, seed: int) -> None:
    """Say what is due and how the processor answers: the same for the same seed, whoever plays it."""
    chance = random.Random(seed)
    numbers = [f"M{number}" for number in range(MEMBERS - 1)]
    club.due.charges = [due(number) for number in [*numbers, "X1"]]
    club.due.unit_of = {due("X1").account_id: unit_id(AUSTIN)}
    club.due.page_size = 4
    for number in [*numbers, "X1", "OLD"]:
        if chance.random() < 0.6:
            club.behaviours[f"tok_{number}", 1] = chance.choice(BEHAVIOURS)
        if chance.random() < 0.3:
            club.script[f"tok_{number}", 1] = chance.choice(CODES)


class SameAnswers(Wire):
    """Lets the card updater draw by the first day, whenever a killed process came to ask."""

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Any) -> None:
        super().inquire(enterprise_id, DAY, inquiries)


class Countdown:
    """Counts statements and commits, and ends the process as kill -9 does at the one it is told."""

    def __init__(self, engine: sa.Engine, kill_at: int) -> None:
        self.count, self._kill_at = 0, kill_at
        sa.event.listen(engine, "before_cursor_execute", self._step)
        sa.event.listen(engine, "commit", self._step)

    def _step(self, *_: Any) -> None:
        self.count += 1
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
