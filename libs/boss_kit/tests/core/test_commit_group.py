"""Calls that come together share their work; each keeps its own answer and its own trouble."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from boss_kit.commit_group import CommitGroup, in_groups

CALLS = 20
WAIT_S = 10


class Slow:
    """Work that begins when it is let go, and keeps what it was asked at once."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.began = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.began.set()
        assert self.goes_on.wait(WAIT_S)
        if any(item < 0 for item in items):
            raise ValueError(f"{min(items)} is bad")
        return [item * 10 for item in items]


def run(work: Slow, items: Sequence[int], group_max: int = 64) -> list[int | str]:
    """Submit the first item, and the others while it is being worked on."""
    group = CommitGroup(work, group_max)

    def submit(item: int) -> int | str:
        try:
            return group.submit(item)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(items)) as pool:
        first = pool.submit(submit, items[0])
        assert work.began.wait(WAIT_S)
        others = [pool.submit(submit, item) for item in items[1:]]
        while len(group._waiting) < len(items) - 1:
            pass
        work.goes_on.set()
        return [one.result(WAIT_S) for one in (first, *others)]


def test_calls_that_come_while_one_is_worked_on_are_worked_on_together() -> None:
    work = Slow()
    items = list(range(CALLS))
    assert run(work, items) == [item * 10 for item in items]
    assert work.groups[0] == [0]
    assert sorted(work.groups[1]) == items[1:]
    assert len(work.groups) == 2


def test_a_group_is_never_larger_than_its_limit() -> None:
    work = Slow()
    assert run(work, list(range(CALLS)), group_max=5) == [item * 10 for item in range(CALLS)]
    assert max(len(group) for group in work.groups) == 5


def test_one_bad_call_spoils_nothing_for_the_others() -> None:
    answers = run(Slow(), [0, 1, -2, 3])
    assert answers == [0, 10, "-2 is bad", 30]


def test_a_call_alone_is_worked_on_at_once() -> None:
    group = CommitGroup(lambda items: [item + 1 for item in items])
    assert [group.submit(number) for number in range(3)] == [1, 2, 3]


def test_a_call_whose_work_fails_gets_the_error_and_the_next_one_goes_on() -> None:
    work = Slow()
    work.goes_on.set()
    group = CommitGroup(work)
    with pytest.raises(ValueError, match="-1 is bad"):
        group.submit(-1)
    assert group.submit(4) == 40


def test_items_are_grouped_by_key_and_keep_their_places() -> None:
    assert in_groups(["a1", "b1", "a2"], lambda item: item[0]) == [[0, 2], [1]]
