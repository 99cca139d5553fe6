"""Let calls that come at the same time share a transaction, each with its own answer (SPEC BIL-8)."""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

GROUP_MAX = 64


@dataclass(eq=False)
class _Entry(Generic[T, R]):
    item: T
    turn: threading.Lock = field(default_factory=threading.Lock)
    answers: Sequence[R] = ()
    is_done: bool = False


class CommitGroup(Generic[T, R]):
    """Whoever finds nobody at work does the work for all that wait; the others come while it lasts.

    `work` takes items and gives their answers in the same order, having committed. Where it fails for several, each is
    tried by itself, so that one call's trouble is nobody else's.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], group_max: int = GROUP_MAX) -> None:
        self._work = work
        self._group_max = group_max
        self._lock = threading.Lock()
        self._waiting: list[_Entry[T, R]] = []
        self._is_busy = False

    def submit(self, item: T) -> R:
        """Have an item worked on and give its answer; raises what working on it raised."""
        entry: _Entry[T, R] = _Entry(item)
        with self._lock:
            self._waiting.append(entry)
            leads = not self._is_busy
            self._is_busy = True
            # Held until it is its turn: a bare lock wakes its one waiter at half the cost of an event.
            entry.turn.acquire()
        if not leads:
            entry.turn.acquire()
        if not entry.is_done:
            self._lead(entry)
        (answer,) = entry.answers or self._work([item])
        return answer

    def _lead(self, entry: _Entry[T, R]) -> None:
        """Work for those that wait now, the leader among them, and hand the lead to one that came meanwhile."""
        with self._lock:
            self._waiting.remove(entry)
            group = [entry, *self._waiting[: self._group_max - 1]]
            del self._waiting[: self._group_max - 1]
        try:
            if len(group) > 1:
                self._answer(group)
            else:
                entry.answers = self._work([entry.item])
        finally:
            with self._lock:
                next_one = self._waiting[0] if self._waiting else None
                self._is_busy = next_one is not None
            for one in group:
                one.is_done = True
                if one is not entry:
                    one.turn.release()
            if next_one is not None:
                next_one.turn.release()

    def _answer(self, group: Sequence[_Entry[T, R]]) -> None:
        try:
            answers = self._work([one.item for one in group])
        except Exception:
            log.info("calls that came together are tried one by one", exc_info=True)
            return
        for one, answer in zip(group, answers, strict=True):
            one.answers = (answer,)


def in_groups(items: Sequence[T], key: Callable[[T], Hashable]) -> list[list[int]]:
    """Give the places of the items that have the same key, in the order keys first appear."""
    found: dict[Hashable, list[int]] = {}
    for place, item in enumerate(items):
        found.setdefault(key(item), []).append(place)
    return list(found.values())
