"""The tables of the code are the tables of the database."""

import pytest
import sqlalchemy as sa

from boss_arm.configuration import store as configuration
from boss_arm.cycles import store as cycles
from boss_arm.debtors import store as debtors
from boss_arm.history import store as history
from boss_arm.schedules import store as schedules
from boss_arm.steps import store as steps

ROOMS = (configuration, cycles, debtors, history, schedules, steps)
TABLES = [table for room in ROOMS for table in room.METADATA.sorted_tables]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_database_has_the_columns_the_code_knows_in_their_order(engine: sa.Engine, table: sa.Table) -> None:
    columns = sa.inspect(engine).get_columns(table.name)
    assert [(column["name"], column["nullable"]) for column in columns] == [
        (column.name, column.nullable) for column in table.columns
    ]


def test_every_table_of_arm_belongs_to_an_enterprise(engine: sa.Engine) -> None:
    kit = {"alembic_version", "published_events", "processed_events", "delivery", "test_clock", "watermark"}
    for name in set(sa.inspect(engine).get_table_names()) - kit:
        assert "enterprise_id" in {column["name"] for column in sa.inspect(engine).get_columns(name)}, name


def test_arm_4_the_database_itself_refuses_a_second_open_cycle(engine: sa.Engine) -> None:
    (index,) = [index for index in sa.inspect(engine).get_indexes("cycle") if index["name"] == "cycle_one_open"]
    assert (index["unique"], index["column_names"]) == (True, ["enterprise_id", "account_id"])


def test_arm_10_the_database_itself_refuses_a_step_twice(engine: sa.Engine) -> None:
    unique = [rule["column_names"] for rule in sa.inspect(engine).get_unique_constraints("step")]
    assert ["enterprise_id", "cycle_id", "line_id"] in unique
