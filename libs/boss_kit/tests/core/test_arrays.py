"""Lists reach PostgreSQL as they are, however they are written."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [uuid4(), uuid4()]),
        ("bigint", [0, -1, 2**62]),
        ("int", [7]),
        ("text", ["", "NULL", "null", ' a"b\\c ', "{x,y}", "Ünï", "\n\t", '"', "\\", '","']),
        ("boolean", [True, False, None]),
        ("date", [date(2026, 1, 31), None]),
        ("date", [date(999, 1, 31), date.max]),
        ("date", [None, None]),
        ("text", [None, "a"]),
        ("bigint", [1, None]),
        ("uuid", [uuid4(), None]),
        ("timestamptz", [datetime(2026, 1, 1, tzinfo=UTC)]),
        ("text", []),
        ("uuid", []),
    ],
)
def test_lists_come_back_as_they_went(kit_engine: sa.Engine, kind: str, values: list[Any]) -> None:
    with kit_engine.connect() as connection:
        query = sa.text(f"SELECT v FROM unnest(CAST(:values AS {kind}[])) WITH ORDINALITY AS t (v, n) ORDER BY n")
        assert connection.scalars(query, {"values": values}).all() == values


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(TEXTS, max_size=8))
def test_any_texts_come_back_as_they_went(kit_engine: sa.Engine, values: list[str]) -> None:
    with kit_engine.connect() as connection:
        found = connection.scalars(sa.text("SELECT unnest(CAST(:values AS text[]))"), {"values": values}).all()
        assert found == values
