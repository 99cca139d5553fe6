"""The composition root of the probe."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from boss_kit.jobs import Job, by_request
from boss_kit.service import Running, Service, Serving, Working
from boss_kit.settings import Settings, setting
from boss_kit.tasks import Task
from boss_kit.unit_of_work import no_facts


@dataclass(frozen=True, kw_only=True)
class ProbeSettings(Settings):
    """The probe's settings."""

    greeting: str = setting("BOSS_PROBE_GREETING", "What the job writes.", default="hello")


SERVICE = Service("collections", ProbeSettings, Path(__file__).parent / "migrations", no_facts)
JOBS = (Job("greet", by_request(), "greet"),)


def serve(settings: ProbeSettings) -> Serving:
    """Put the API together."""
    return Serving(SERVICE.open(settings, settings.pool_serve), [], jobs=JOBS)


def work(settings: ProbeSettings, index: int, of: int) -> Working:
    """Put the consumer together."""
    return Working(SERVICE.open(settings, settings.pool_work), (), index, of)


def run(settings: ProbeSettings) -> Running:
    """Put the tasks together."""
    house = SERVICE.open(settings, settings.pool_run)

    def greet(task: Task) -> None:
        with house.engine.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO note VALUES (:text)"), {"text": f"{settings.greeting} {task.business_date}"}
            )

    return Running(house, jobs=JOBS, processes={"greet": greet})
