"""The simulator does as it is told, and what it does wrong never gets into the books (SPEC BIL-8)."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from club import MESSAGES, Club, due, record

from boss_billing import events
from boss_billing.adapters.chance import read_script
from boss_billing.adapters.conduct import Behaviour, Conduct, read_dictated, read_per_mille
from boss_billing.adapters.simulator import Simulator
from boss_billing.app import read_conduct
from boss_kit.process import EXIT_CODE_FAILED
from boss_kit.settings import EXIT_CODE_CONFIGURATION, StartError

MEMBERS = 6


def bill(club: Club, *behaviours: Behaviour) -> None:
    """Bill some members; the n-th one's answer goes as the n-th behaviour says."""
    club.add(*(record(f"M{number}") for number in range(MEMBERS)))
    club.due.charges = [due(f"M{number}") for number in range(MEMBERS)]
    for number, behaviour in enumerate(behaviours):
        club.behaviours[f"tok_M{number}", 1] = behaviour
    club.bill()


def states(club: Club) -> list[str]:
    return [row.state for row in club.rows("SELECT state FROM payment ORDER BY account_id")]


def count(club: Club, state: str) -> int:
    return states(club).count(state)


def next_day(club: Club) -> None:
    club.set_clock(club.day + timedelta(days=1))


@pytest.mark.parametrize("behaviour", [Behaviour.TIMES_OUT, Behaviour.LOST])
def test_bil_8_a_batch_without_an_answer_is_unknown_until_the_janitor_asks(club: Club, behaviour: Behaviour) -> None:
    bill(club, behaviour)
    assert states(club) == ["unknown"] * MEMBERS
    assert club.one("SELECT count(*) FROM sandbox_attempt") == (MEMBERS if behaviour is Behaviour.TIMES_OUT else 0)
    club.ask("ask-processor")
    club.deliver()
    assert states(club) == ["approved"] * MEMBERS
    assert club.one("SELECT count(*) FROM sandbox_attempt") == MEMBERS
    club.assert_books()


def test_bil_8_an_answer_that_comes_twice_is_applied_once(club: Club) -> None:
    bill(club, Behaviour.TWICE)
    club.deliver()
    assert club.one("SELECT count(*) FROM sandbox_attempt WHERE deliveries = 2") == 1
    assert len(club.facts(events.PAYMENT_APPROVED)) == MEMBERS
    club.assert_books()


def test_bil_8_a_late_answer_leaves_the_payment_pending_and_counts_when_it_comes(club: Club) -> None:
    bill(club, Behaviour.LATE)
    club.deliver()
    assert (count(club, "pending"), count(club, "approved")) == (1, MEMBERS - 1)
    next_day(club)
    club.deliver()
    assert count(club, "approved") == MEMBERS


def test_bil_8_reversed_answers_come_last_and_backwards(club: Club) -> None:
    bill(club, Behaviour.REVERSED, Behaviour.REVERSED)
    found = club.wire.inner.outstanding_results(club.context().enterprise_id, "Original", 100)  # type: ignore[arg-type]
    numbers = dict(club.rows("SELECT id::text, account_number FROM attempt"))
    assert [numbers[one.attempt_id] for one in found] == ["M2", "M3", "M4", "M5", "M1", "M0"]


def test_bil_8_an_answer_that_never_comes_is_asked_for_the_next_day(club: Club) -> None:
    bill(club, Behaviour.NEVER)
    next_day(club)
    club.deliver()
    assert count(club, "pending") == 1
    club.ask("ask-processor")
    assert count(club, "approved") == MEMBERS
    club.assert_books()


def test_bil_8_the_janitor_waits_an_hour_before_it_asks_for_the_same_result_again(club: Club) -> None:
    bill(club)
    next_day(club)
    asked: list[int] = []
    club.wire.find_results = lambda enterprise_id, ids: asked.append(len(ids)) or ()  # type: ignore[func-returns-value]
    club.ask("ask-processor")
    club.ask("ask-processor")
    next_day(club)
    club.ask("ask-processor")
    assert asked == [MEMBERS, MEMBERS]


def test_bil_8_nobody_asks_for_results_of_the_present_day(club: Club) -> None:
    bill(club, Behaviour.NEVER)
    club.ask("ask-processor")
    assert states(club) == ["pending"] * MEMBERS


def test_bil_8_an_answer_about_a_wrong_amount_is_an_exception(club: Club) -> None:
    bill(club, Behaviour.WRONG_AMOUNT)
    club.deliver()
    assert (count(club, "pending"), count(club, "approved")) == (1, MEMBERS - 1)
    assert club.one("SELECT count(*) FROM callback WHERE state = 'exception'") == 1


def test_a_script_dictates_codes_and_behaviours_each_where_it_names_one(tmp_path: Path) -> None:
    path = tmp_path / "script.csv"
    path.write_text("token,attempt,code,behaviour\ntok_1,1,D03,\ntok_2,1,,late\ntok_3,2,A01,twice\n")
    assert read_script(path) == {("tok_1", 1): "D03", ("tok_3", 2): "A01"}
    assert read_dictated(path) == {("tok_2", 1): Behaviour.LATE, ("tok_3", 2): Behaviour.TWICE}
    path.write_text("token,attempt,code\ntok_1,1,D03\n")
    assert read_dictated(path) == {}


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("card,attempt,code\ntok_1,1,D03\n", "line 1: has no column token"),
        ("token,attempt,code\ntok_1,1,D03\ntok_2,first,D03\n", "line 3: attempt 'first' isn't a number from 1 on"),
        ("token,attempt,code\ntok_1,0,D03\n", "line 2: attempt '0' isn't a number from 1 on"),
        ("token,attempt,code,behaviour\ntok_1,1,,dances\n", "line 2: 'dances' is no behaviour"),
        ("token,attempt,code\ntok_1,1\n", "line 2: has another number of columns than line 1"),
        ("token,attempt,code\ntok_1,1,D03,late\n", "line 2: has another number of columns than line 1"),
        ("token,attempt,code\n,1,D03\n", "line 2: has no token"),
        ("token,attempt,code\ntok_1,1,D3\n", "line 2: code 'D3' isn't a letter and two digits, such as D03"),
        ("token,attempt,code\ntok_1,1,D03\ntok_1,01,A01\n", "line 3: attempt 01 of tok_1 has a line already"),
        ("token,attempt,code\ntok_1,1,D03\ntok_\udcff,1,D03\n", "line 3: isn't UTF-8"),
    ],
)
def test_a_script_that_can_not_be_played_is_refused_with_the_setting_and_the_line(
    tmp_path: Path, text: str, refusal: str
) -> None:
    path = tmp_path / "script.csv"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(StartError, match=f"BOSS_SANDBOX_SCRIPT: .*{refusal}"):
        read_conduct(path, ())
    with pytest.raises(StartError, match="BOSS_SANDBOX_BEHAVIOUR: 'slow=5' isn't one of"):
        read_conduct(None, ("slow=5",))


def test_bil_8_check_names_the_script_and_the_line_that_can_not_be_played(
    database_url: str, tokens: Any, tmp_path: Path
) -> None:
    path = tmp_path / "script.csv"
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("billing")),
        "BOSS_AGREEMENTS_ADDRESS": "127.0.0.1:1",
        "BOSS_BILLING_ADDRESS": "127.0.0.1:1",
        "BOSS_SANDBOX_SCRIPT": str(path),
    }

    def check(**changes: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "boss_billing", "check"]
        return subprocess.run(command, env=environ | changes, capture_output=True, text=True, timeout=60, check=False)

    missing = check()
    assert (missing.returncode, missing.stdout) == (EXIT_CODE_CONFIGURATION, "")
    assert f"BOSS_SANDBOX_SCRIPT names {path}, but there is no such file." in missing.stderr
    path.write_text("token,attempt,code\ntok_1,1,D03\ntok_2,first,D03\n")
    malformed = check()
    assert malformed.returncode == EXIT_CODE_FAILED
    refusal = f"BOSS_SANDBOX_SCRIPT: {path}, line 3: attempt 'first' isn't a number from 1 on.\n"
    assert refusal in malformed.stdout
    assert refusal not in check(BOSS_PROCESSOR="rest", BOSS_PROCESSOR_URL="http://x", BOSS_PROCESSOR_API_KEY="k").stdout
    path.write_text("token,attempt,code\ntok_1,1,D03\n")
    assert "SANDBOX" not in check().stdout


def test_the_same_seed_misbehaves_in_the_same_way(club: Club) -> None:
    share = {Behaviour.LATE: 300, Behaviour.TWICE: 300}
    club.wire.inner = Simulator(club.engine, "7", MESSAGES, conduct=Conduct(per_mille=share))
    bill(club)
    drawn = club.rows("SELECT account_number, behaviour FROM sandbox_attempt ORDER BY account_number")
    assert len({row.behaviour for row in drawn}) > 1
    with club.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sandbox_attempt; UPDATE batch SET state = 'unknown'")
    club.ask("ask-processor")
    assert club.rows("SELECT account_number, behaviour FROM sandbox_attempt ORDER BY account_number") == drawn


@pytest.mark.parametrize("text", ["slow=5", "late=x", "late=-1", "late=600,twice=600"])
def test_shares_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as late=50|per mille"):
        read_per_mille(text.split(","))


def test_shares_are_read_per_mille() -> None:
    assert read_per_mille(["late=50", "twice=30"]) == {Behaviour.LATE: 50, Behaviour.TWICE: 30}
