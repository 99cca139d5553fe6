"""The migrations make what the stores write, and the books are proved from the command line."""

from typing import Any

import pytest
import sqlalchemy as sa
from club import Club

from boss_billing.accounts import store as accounts
from boss_billing.adapters import simulator
from boss_billing.app import check_books, republish
from boss_billing.batches import store as batches
from boss_billing.callbacks import store as callbacks
from boss_billing.chargebacks import store as chargebacks
from boss_billing.declines import store as declines
from boss_billing.deposits import store as deposits
from boss_billing.events import BALANCE_CHANGED
from boss_billing.funding import inquiries
from boss_billing.funding import store as funding
from boss_billing.invoices import store as invoices
from boss_billing.ledger import store as ledger
from boss_billing.movements import store as movements
from boss_billing.payments import store as payments
from boss_billing.rebills import store as rebills
from boss_billing.reconciliation import store as reconciliation
from boss_billing.refunds import store as refunds
from boss_billing.reports import store as reports
from boss_billing.runs import store as runs
from boss_billing.settings import BillingSettings
from boss_billing.suspensions import store as suspensions
from boss_billing.units import store as units
from boss_kit.settings import StartError

STORES = (
    accounts, batches, callbacks, chargebacks, declines, deposits, funding, inquiries, invoices, ledger, movements,
    payments, rebills, reconciliation, refunds, reports, runs, simulator, suspensions, units,
)  # fmt: skip


@pytest.fixture
def environ(database_url: str, tokens: Any) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("billing")),
        "BOSS_AGREEMENTS_ADDRESS": "localhost:1",
        "BOSS_BILLING_ADDRESS": "localhost:2",
        "BOSS_TEST_CLOCK": "on",
    }


def test_the_migrations_make_the_columns_the_stores_write_in_their_order(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    for store in STORES:
        for table in store.TABLES.tables.values():
            present = [column["name"] for column in inspector.get_columns(table.name)]
            assert present == [column.name for column in table.columns], table.name


def test_every_row_and_every_unique_index_belongs_to_an_enterprise(engine: sa.Engine) -> None:
    inspector = sa.inspect(engine)
    for store in STORES:
        for table in store.TABLES.tables:
            assert "enterprise_id" in {column["name"] for column in inspector.get_columns(table)}
            unique = [index["column_names"] for index in inspector.get_indexes(table) if index["unique"]]
            unique.append(inspector.get_pk_constraint(table)["constrained_columns"])
            if table != "transfer":
                assert all("enterprise_id" in columns for columns in unique), table


def test_bil_10_the_books_are_proved_from_the_command_line(
    club: Club, environ: dict[str, str], monkeypatch: Any, capsys: Any
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    assert check_books() == 0
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET balance_minor = 1"))
    assert check_books() == 1
    assert "Invoice M1-1" in capsys.readouterr().out


def test_late_consumers_are_told_every_balance_again(club: Club, environ: dict[str, str]) -> None:
    club.add_account("M1")
    club.add_account("M2")
    before = len(club.facts(BALANCE_CHANGED))
    assert republish(BillingSettings.from_environ(environ), "accounts") == 2
    assert len(club.facts(BALANCE_CHANGED)) == before + 2
    with pytest.raises(StartError, match="accounts"):
        republish(BillingSettings.from_environ(environ), "members")
