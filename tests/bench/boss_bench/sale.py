"""Sales over gRPC with billing answering for real, against a call that commits one row of the same server.

A sale is two transactions here and, between them, an account read, an invoice and a payment in billing.
"""

import os
from collections.abc import Iterator

from boss_bench._writer_load import open_shop
from boss_bench.result import Result, measured

SALES = int(os.environ.get("BOSS_BENCH_SALES", "500"))
WARM_UP = 20


def run() -> Iterator[Result]:
    """Give how long a sale takes."""
    with open_shop(SALES + WARM_UP) as shop:
        measured(shop.sell, shop.drafts[:WARM_UP])
        drafts = shop.drafts[WARM_UP:]
        limit = measured(shop.sign, drafts)
        took = measured(shop.sell, drafts)
        yield Result.of_calls("sale", took, limit, shop.peak_rss_mb)
