"""Quotes of drafts over gRPC, against a call that reads one row of the same server."""

import os
from collections.abc import Iterator

from boss_bench._writer_load import open_shop
from boss_bench.result import Result, measured

QUOTES = int(os.environ.get("BOSS_BENCH_QUOTES", "1000"))
DRAFTS = 100
WARM_UP = 50


def run() -> Iterator[Result]:
    """Give how long a quote takes."""
    with open_shop(DRAFTS) as shop:
        drafts = [shop.drafts[number % DRAFTS] for number in range(QUOTES)]
        measured(shop.quote, drafts[:WARM_UP])
        limit = measured(shop.read_unit, drafts)
        took = measured(shop.quote, drafts)
        yield Result.of_calls("quote", took, limit, shop.peak_rss_mb)
