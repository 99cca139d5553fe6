"""kill -9 in every phase of a bill run whose processor loses, repeats and reorders answers (SPEC BIL-1, BIL-8)."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from boss_billing.app import SERVICE
from boss_billing.events import encode
from boss_billing.ledger.queries import check_ledger
from boss_kit.context import Context
from boss_kit.database import open_database
from boss_kit.migrate import upgrade
from boss_kit.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer

# `make faults` kills at 104 points, `make test` at a tenth of them.
ALL = os.environ.get("BOSS_FAULTS") == "all"
SEEDS = range(26) if ALL else range(5)
KILLS_PER_SEED = 4 if ALL else 2

# What doesn't depend on the day on which a result found its way.
_FIGURES = {
    "invoices": "SELECT number, balance_minor, declines FROM invoice ORDER BY 1",
    "payments": """
        SELECT invoice.number, payment.kind, payment.state, payment.amount_minor, payment.response_code
        FROM payment JOIN invoice ON invoice.id = payment.invoice_id ORDER BY 1, payment.payment_date
    """,
    "attempts": """
        SELECT account_number, invoice_number, attempt_no, label, state, response_code FROM attempt ORDER BY 1, 2, 3
    """,
    "transfers": "SELECT debit, credit, sum(amount_minor), count(*) FROM transfer GROUP BY 1, 2 ORDER BY 1, 2",
    "runs": "SELECT bill_date, state FROM bill_run ORDER BY 1",
}

_CHARGED_TWICE = """
    SELECT attempt.invoice_id FROM attempt
    JOIN sandbox_attempt AS charged ON charged.attempt_id = attempt.id AND charged.code LIKE 'A%'
    GROUP BY attempt.invoice_id HAVING sum(charged.amount_minor) >
        (SELECT total_minor FROM invoice WHERE invoice.id = attempt.invoice_id)
"""

_UNKNOWN = "SELECT count(*) FROM payment WHERE state IN ('created', 'pending', 'unknown')"


def migrate(url: str) -> None:
    engine = open_database(url, pool_size=1)
    upgrade(engine, SERVICE.migrations)
    engine.dispose()


class Player:
    """Plays days of billing in processes that may be killed."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("bill_run_player.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def play(self, url: str, seed: int, kill_at: int = 0) -> tuple[int, int]:
        """Play, and tell the signal it ended by and how many statements it got to."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"url": url, "seed": seed, "kill_at": kill_at}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["ended_by"], answer["statements"]

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    player = Player()
    yield player
    player.close()


def figures(url: str) -> dict[str, Any]:
    """Read what the days came to, and prove what must hold whatever happened."""
    engine = open_database(url, pool_size=1)
    with engine.connect() as connection:
        found = {name: connection.execute(sa.text(query)).all() for name, query in _FIGURES.items()}
        assert connection.execute(sa.text(_CHARGED_TWICE)).all() == []
        assert connection.scalar(sa.text(_UNKNOWN)) == 0
        assert connection.execute(sa.text("SELECT name FROM task WHERE state <> 'done'")).all() == []
        enterprise_id = connection.scalar(sa.text("SELECT enterprise_id FROM account LIMIT 1"))
    with UnitOfWork(engine, SERVICE.name, encode, test_clock=True).read(Context(enterprise_id=enterprise_id)) as tx:
        proof = check_ledger(tx, enterprise_id)
    engine.dispose()
    assert (list(proof.problems), proof.charges_billed_twice) == ([], 0)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_bil_8_a_run_killed_at_random_points_bills_and_charges_once_and_leaves_nothing_unknown(
    seed: int, player: Player, postgres_server: "PostgresServer"
) -> None:
    template = postgres_server.template("billing", migrate)
    with postgres_server.database(template) as url:
        ended_by, statements = player.play(url, seed)
        assert ended_by == 0
        undisturbed = figures(url)
    chance = random.Random(seed)
    # So that something is left for the last kill, too.
    reach = statements // (KILLS_PER_SEED + 1)
    with postgres_server.database(template) as url:
        for _ in range(KILLS_PER_SEED):
            ended_by, _ = player.play(url, seed, chance.randrange(1, reach))
            assert ended_by == signal.SIGKILL
        assert player.play(url, seed)[0] == 0
        assert figures(url) == undisturbed
