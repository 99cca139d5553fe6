"""Make the tables of deposits, with sources and the days they are awaited by; open a bank account in the books."""

import csv
from collections.abc import Iterator
from importlib import resources

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Rows under the nil UUID hold for every enterprise that has none of its own.
EVERY_ENTERPRISE = "00000000-0000-0000-0000-000000000000"
FIELDS = ("deposit_key", "statement", "deposit_date", "batch_number", "label", "tender", "amount", "fee", "transaction")

DEPOSITS = """
CREATE TABLE deposit_statement (
    enterprise_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL,
    file_name text NOT NULL,
    content_hash bytea NOT NULL,
    lines integer NOT NULL,
    gross_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    currency text NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, source, content_hash)
);
CREATE TABLE deposit (
    enterprise_id uuid NOT NULL,
    business_unit_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL,
    deposit_key text NOT NULL,
    part smallint NOT NULL,
    statement_id uuid,
    statement text NOT NULL,
    line_no integer NOT NULL,
    deposit_date date NOT NULL,
    batch_number bigint NOT NULL,
    label text NOT NULL,
    tender text NOT NULL,
    gross_minor bigint NOT NULL CHECK (gross_minor <> 0),
    fee_minor bigint NOT NULL,
    currency text NOT NULL,
    transaction_id text NOT NULL,
    correlation text NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (enterprise_id, id),
    UNIQUE (enterprise_id, source, deposit_key, part)
);
CREATE INDEX deposit_of_batch ON deposit (enterprise_id, batch_number);
CREATE INDEX deposit_by_day ON deposit (enterprise_id, deposit_date, id);
CREATE TABLE deposit_source (
    enterprise_id uuid NOT NULL,
    name text NOT NULL,
    delimiter text NOT NULL,
    date_format text NOT NULL,
    columns jsonb NOT NULL,
    PRIMARY KEY (enterprise_id, name)
);
CREATE TABLE settlement_window (
    enterprise_id uuid NOT NULL,
    tender text NOT NULL,
    days_min integer NOT NULL,
    days_max integer NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (enterprise_id, tender)
);
INSERT INTO ledger_account (enterprise_id, code, number, name, side, detail) VALUES
    ('00000000-0000-0000-0000-000000000000', 'bank', 1050, 'Bank', 'debit', 'source'),
    ('00000000-0000-0000-0000-000000000000', 'processor_fees', 5100, 'Fees of processors', 'debit', 'tender');
"""

_SOURCE = sa.text(
    """
    INSERT INTO deposit_source (enterprise_id, name, delimiter, date_format, columns)
    VALUES (:enterprise_id, :name, :delimiter, :date_format, (
        SELECT jsonb_object_agg(field, named)
        FROM unnest(CAST(:fields AS text[]), CAST(:names AS text[])) AS c (field, named)
    ))
    """
)

_WINDOW = sa.text(
    """
    INSERT INTO settlement_window (enterprise_id, tender, days_min, days_max, note)
    VALUES (:enterprise_id, :tender, CAST(:days_min AS integer), CAST(:days_max AS integer), :note)
    """
)


def upgrade() -> None:
    """Make the tables and fill those that are data."""
    op.get_bind().exec_driver_sql(DEPOSITS)
    for row in _rows("deposit_sources.csv"):
        names = {"fields": list(FIELDS), "names": [row[field] for field in FIELDS]}
        op.get_bind().execute(_SOURCE, {"enterprise_id": EVERY_ENTERPRISE, **row, **names})
    for row in _rows("settlement_windows.csv"):
        op.get_bind().execute(_WINDOW, {"enterprise_id": EVERY_ENTERPRISE, **row})


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (resources.files("boss_billing") / "data" / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
