"""Migrations."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from boss_kit.database import open_database
from boss_kit.migrate import SchemaTooOldError, current, newest, require_at_least, upgrade

MIGRATIONS = Path(__file__).parent / "probe" / "migrations"


@pytest.fixture
def engine(empty_url: str) -> Iterator[Any]:
    engine = open_database(empty_url, pool_size=2)
    yield engine
    engine.dispose()


def test_an_empty_database_gets_every_migration_and_a_second_run_changes_nothing(engine: sa.Engine) -> None:
    assert (current(engine), newest(MIGRATIONS)) == (0, 2)
    for _ in range(2):
        upgrade(engine, MIGRATIONS)
        assert current(engine) == 2
    with engine.connect() as connection:
        assert {"note", "outbox", "task"} <= set(sa.inspect(connection).get_table_names())


def test_two_deployers_at_once_do_no_harm(empty_url: str) -> None:
    engines = [open_database(empty_url, pool_size=1) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: upgrade(engine, MIGRATIONS), engines))
    assert current(engines[0]) == 2
    for engine in engines:
        engine.dispose()


def test_a_schema_that_is_too_old_is_refused_and_a_newer_one_is_fine(engine: sa.Engine) -> None:
    with pytest.raises(SchemaTooOldError, match="run `migrate` first"):
        require_at_least(engine, MIGRATIONS)
    upgrade(engine, MIGRATIONS)
    require_at_least(engine, MIGRATIONS)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003_later'"))
    require_at_least(engine, MIGRATIONS)


def test_a_failing_migration_leaves_the_ones_before_it(engine: sa.Engine, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for path in (MIGRATIONS / "versions").glob("*.py"):
        (versions / path.name).write_text(path.read_text())
    broken = 'from alembic import op\nrevision = "0003_x"\ndown_revision = "0002_note"\ndef upgrade():\n'
    (versions / "0003_x.py").write_text(
        broken + '    op.execute("CREATE TABLE half (x int)")\n    op.execute("NONSENSE")\n'
    )
    with pytest.raises(sa.exc.ProgrammingError):
        upgrade(engine, tmp_path)
    assert current(engine) == 2
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT to_regclass('half')")) is None
