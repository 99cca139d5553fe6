"""One figure, as every bench prints it."""

import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """How many a second, against the limit of the same machine at the same time."""

    name: str
    n: int
    per_s: float
    limit_per_s: float
    ratio: float
    p99_ms: float
    peak_rss_mb: float
    p50_ms: float = 0.0

    @classmethod
    def of_calls(cls, name: str, durations_s: Sequence[float], limit_s: Sequence[float], rss_mb: float) -> Self:
        """Make the figure of calls one after the other, against simpler calls one after the other."""
        per_s, limit_per_s = len(durations_s) / sum(durations_s), len(limit_s) / sum(limit_s)
        middle_ms = median(durations_s) * 1000
        ratio = per_s / limit_per_s
        return cls(name, len(durations_s), per_s, limit_per_s, ratio, p99_ms(durations_s), rss_mb, middle_ms)

    def as_dict(self) -> dict[str, str | float]:
        """Give the fields as they are printed."""
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}


def measured(call: Callable[[T], object], arguments: Iterable[T]) -> list[float]:
    """Call one after the other; tell how long each took."""
    durations_s = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        durations_s.append(time.perf_counter() - start)
    return durations_s


def p99_ms(durations_s: Sequence[float]) -> float:
    """Tell which time 99 of 100 stay below."""
    ordered = sorted(durations_s)
    return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000 if ordered else 0.0


def peak_rss_mb_of(process_id: int) -> float:
    """Tell how much memory another process ever held; 0 where the system doesn't say."""
    status = Path(f"/proc/{process_id}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def peak_rss_mb() -> float:
    """Tell how much memory this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():
        # Its own since it began; getrusage would count what its parent held when it was started.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
