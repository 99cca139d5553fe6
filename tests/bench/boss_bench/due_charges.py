"""ListDueCharges over gRPC for agreements that are all due on one day, against a raw COPY of the same rows."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from boss.agreements.v1 import due_charge_service_pb2 as pb
from boss.agreements.v1 import due_charge_service_pb2_grpc as pb_grpc
from boss.agreements.v1 import organization_service_pb2, organization_service_pb2_grpc
from google.type import date_pb2

from boss_bench._import_load import ENTERPRISE, ENTERPRISE_ID, free_address, serving
from boss_bench._two_services import make_channel, make_database, peak_rss_mb_of
from boss_bench.result import Result, p99_ms
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.rpc.client import BossChannel
from boss_kit.testing.tokens import TokenMaker

AGREEMENTS = int(os.environ.get("BOSS_BENCH_AGREEMENTS", "100000"))
BILL_DATE = date_pb2.Date(year=2026, month=6, day=1)
WARM_UP_PAGES = 3

_SEED = """
INSERT INTO agreement (enterprise_id, id, business_unit_id, number, member_id, account_id, display_name, agreement_type,
    status, term, start_date, version, create_time)
SELECT %(e)s, gen_random_uuid(), %(b)s, 'B' || n, gen_random_uuid(), gen_random_uuid(), 'Gold Monthly', 'Membership',
    'Active', 'perpetual', DATE '2025-06-01', 1, now()
FROM generate_series(1, %(n)s) AS n;
INSERT INTO agreement_line (enterprise_id, id, business_unit_id, agreement_id, account_id, item, item_category,
    price_minor, currency, schedule, anchor_day, cycle_no, next_bill_date, due_date, tax_rate)
SELECT enterprise_id, gen_random_uuid(), business_unit_id, id, account_id, display_name, agreement_type,
    3500, 'USD', 'monthly_on_1', 1, 13, DATE '2026-06-01', DATE '2026-06-01', 8.25
FROM agreement;
"""
_SAME_ROWS = """
COPY (SELECT line.*, agreement.number FROM agreement_line AS line
    JOIN agreement ON agreement.enterprise_id = line.enterprise_id AND agreement.id = line.agreement_id
    ORDER BY line.account_id, line.agreement_id, line.id) TO STDOUT (FORMAT BINARY)
"""


def run() -> Iterator[Result]:
    """Give how many due charges a second one API process lists."""
    with ExitStack() as stack:
        node = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(node.stop)
        node.start()
        url = make_database(node, "agreements")
        keys = TokenMaker(Path(stack.enter_context(TemporaryDirectory())))
        addresses = {service: free_address() for service in ("agreements", "billing")}
        process_id = stack.enter_context(serving("agreements", url, keys, addresses))
        channel = make_channel(stack, "agreements", addresses["agreements"], keys)
        unit = _make_unit(channel)
        _seed(url, unit)
        charges = pb_grpc.DueChargeServiceStub(channel)
        request = pb.CloseBillDateRequest(business_unit=unit, bill_date=BILL_DATE, request_id=str(uuid4()))
        charges.CloseBillDate(request)
        _list(charges, unit, pages=WARM_UP_PAGES)
        start = time.perf_counter()
        waits_s = _list(charges, unit)
        per_s = AGREEMENTS / (time.perf_counter() - start)
        peak_rss_mb = peak_rss_mb_of(process_id)
        limit_per_s = AGREEMENTS / _raw_copy_s(url)
    yield Result("due_charges", AGREEMENTS, per_s, limit_per_s, per_s / limit_per_s, p99_ms(waits_s), peak_rss_mb)


def _make_unit(channel: BossChannel) -> str:
    organizations = organization_service_pb2_grpc.OrganizationServiceStub(channel)
    organizations.CreateEnterprise(
        organization_service_pb2.CreateEnterpriseRequest(
            enterprise_id=str(ENTERPRISE_ID),
            enterprise=organization_service_pb2.Enterprise(display_name="Bench"),
            request_id=str(uuid4()),
        )
    )
    unit = organization_service_pb2.BusinessUnit(
        external_id="Bench", display_name="Bench", time_zone="America/Denver", currency="USD"
    )
    request = organization_service_pb2.CreateBusinessUnitRequest(
        parent=ENTERPRISE, business_unit=unit, request_id=str(uuid4())
    )
    return str(organizations.CreateBusinessUnit(request).name)


def _seed(url: str, unit: str) -> None:
    values = {"e": ENTERPRISE_ID, "b": unit.rpartition("/")[2], "n": AGREEMENTS}
    with psycopg.connect(_plain(url), autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_SEED, values)
        connection.execute("VACUUM ANALYZE")


def _list(charges: pb_grpc.DueChargeServiceStub, unit: str, pages: int | None = None) -> Sequence[float]:
    """Read the stream to its end, or so many pages; give the time between pages."""
    request, token, listed = pb.ListDueChargesRequest(parent=unit, bill_date=BILL_DATE), "", 0
    waits_s, before = [], time.perf_counter()
    for number, page in enumerate(charges.ListDueCharges(request, timeout=600), 1):
        listed += len(page.charges)
        now = time.perf_counter()
        waits_s.append(now - before)
        before = now
        if number == pages:
            return waits_s
        token = page.next_page_token
    if token or listed != AGREEMENTS:
        raise AssertionError(f"of {AGREEMENTS} charges {listed} were listed")
    return waits_s


def _raw_copy_s(url: str) -> float:
    with psycopg.connect(_plain(url)) as connection, connection.cursor() as cursor:
        start = time.perf_counter()
        with cursor.copy(_SAME_ROWS) as copy:
            for _ in copy:
                pass
        return time.perf_counter() - start


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql")
