"""Who waits for a database's loops to rest is woken by them, and by no other database's."""

import time
from concurrent.futures import ThreadPoolExecutor

from boss_kit import rests

WAIT_S_MAX = 30.0


def test_one_who_waits_is_woken_when_a_loop_of_that_database_rests() -> None:
    url = rests.plain_url("postgresql+psycopg://user@host:1/woken")
    before = rests.count(url)
    with ThreadPoolExecutor() as pool:
        began = time.monotonic()
        waiting = pool.submit(rests.wait, url, before, WAIT_S_MAX)
        rests.tell("postgresql://user@host:1/another")
        rests.tell(url)
        waiting.result(WAIT_S_MAX)
    assert time.monotonic() - began < WAIT_S_MAX
    assert rests.count(url) == before + 1


def test_a_rest_that_came_before_the_wait_is_not_waited_for() -> None:
    url = rests.plain_url("postgresql://host/early")
    before = rests.count(url)
    rests.tell(url)
    rests.wait(url, before, WAIT_S_MAX)


def test_a_database_is_the_same_however_its_address_is_written() -> None:
    assert rests.plain_url("postgresql+psycopg://u:p@host:1/a") == rests.plain_url("postgresql://u:p@host:1/a")
