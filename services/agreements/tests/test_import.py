"""The import of a club's file, over real gRPC."""

import csv
import sys
from pathlib import Path

from conftest import ENTERPRISE, Club, add_unit, record

from boss_agreements.imports.rules import FIELDS

DATA = Path(__file__).parent / "data"


def test_smoke(club: Club) -> None:
    csv.field_size_limit(sys.maxsize)
    for name, zone in (
        ("San Diego Club", "America/Los_Angeles"),
        ("Rockville Club", "America/New_York"),
        ("Austin Club", "America/Chicago"),
        ("Arlington Club", "America/New_York"),
    ):
        add_unit(club, name, zone)
    with (DATA / "club.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    records = [record(n, **{name: row[name] for name in FIELDS}) for n, row in enumerate(rows, 1)]
    results = club.import_records(*records)
    for one in results:
        if one.outcome != 1:
            print(one.record, one.field, one.reason)
    assert len(results) == 1218
    print(len(club.facts()))
    assert {one.record for one in results if one.outcome == 3} >= {4, 70}
