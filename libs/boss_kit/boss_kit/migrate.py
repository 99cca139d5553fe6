"""Schema changes: forward only, one at a time, never by two deployers at once."""

import re
from pathlib import Path

import sqlalchemy as sa

LOCK_TIMEOUT_S = 10
DEPLOYER_TIMEOUT_S = 300
_LOCK_KEY = 0x626F73736D696772  # "bossmigr"
_ENVIRONMENT = Path(__file__).parent / "migration_environment"
_NUMBER = re.compile(r"(\d+)_\w+")


class SchemaTooOldError(Exception):
    """The database lacks what this version of the code needs."""


def upgrade(engine: sa.Engine, migrations: Path) -> None:
    """Bring the database to the newest schema of `migrations/versions`; a second deployer waits for the first."""
    from alembic import command
    from alembic.config import Config

    with engine.connect() as connection:
        connection.execute(sa.text(f"SET statement_timeout = '{DEPLOYER_TIMEOUT_S}s'"))
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_KEY)))
        connection.commit()
        try:
            # A schema change that waits for a lock makes everybody behind it wait: rather give up and try later.
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            connection.execute(sa.text("SET statement_timeout = 0"))
            connection.commit()
            config = Config()
            config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
            config.set_main_option("version_locations", str(migrations / "versions").replace("%", "%%"))
            config.set_main_option("path_separator", "newline")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_KEY)))
            connection.commit()
            # The session's own timeouts must not go back into the pool.
            connection.invalidate()


def require_at_least(engine: sa.Engine, migrations: Path) -> None:
    """Refuse to work on a schema that is older than the code's own; a newer one is fine (expand, then contract).

    Raises SchemaTooOldError with the way out.
    """
    own, present = newest(migrations), current(engine)
    if present < own:
        raise SchemaTooOldError(f"The schema is at {present:04d}, this version needs {own:04d}: run `migrate` first.")


def newest(migrations: Path) -> int:
    """Tell the number of the newest migration of the code."""
    return max((_number(path.stem) for path in (migrations / "versions").glob("*.py")), default=0)


def current(engine: sa.Engine) -> int:
    """Tell the number of the newest migration of the database; 0 for an empty one."""
    with engine.connect() as connection:
        if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
            return 0
        return max(
            (_number(name) for name in connection.scalars(sa.text("SELECT version_num FROM alembic_version"))),
            default=0,
        )


def _number(name: str) -> int:
    match = _NUMBER.match(name) or re.fullmatch(r"(\d+)", name)
    return int(match[1]) if match else 0
