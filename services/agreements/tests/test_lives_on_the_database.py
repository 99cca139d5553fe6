"""Two years of a club at random, on the real service and database (SPEC AGR-6 to AGR-9, SUS-4, SUS-8)."""

import os

import pytest
from agreements_club import Club
from agreements_lives import Lives

SEEDS = range(24) if os.environ.get("BOSS_FAULTS") == "all" else range(2)


@pytest.mark.parametrize("seed", SEEDS)
def test_agr_9_sus_8_no_day_is_billed_twice_none_due_is_left_out_and_everything_ends(club: Club, seed: int) -> None:
    lives = Lives(club, seed)
    lives.play()
    lives.bring_to_an_end()
    lives.check()
