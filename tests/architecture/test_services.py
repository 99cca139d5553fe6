"""The five services obey the layers, keep their rules pure and have one shape."""

from pathlib import Path, PurePosixPath

import pytest

from tests.architecture import layers, purity, shape
from tests.architecture.source import (
    ROOT,
    SERVICES,
    is_begun,
    package_of,
    parse,
    relative,
    service_files,
    tracked_files,
)

# Where the wall clock is meant: what talks to the outside world has time windows of its own.
MAY_READ_CLOCK = {"adapters", "adapters.port", "webhook"}


def begun(service: str) -> str:
    """Skip a service that is still a stub."""
    if not is_begun(service):
        pytest.skip(f"{service} has no app.py yet")
    return service


def within(service: str, path: Path) -> PurePosixPath:
    return PurePosixPath(path.relative_to(package_of(service)).as_posix())


def kind_of(service: str, path: Path) -> str:
    return layers.kind_of(service, ".".join(within(service, path).with_suffix("").parts))


@pytest.mark.parametrize("service", SERVICES)
def test_imports_run_one_way(service):
    problems = [
        f"services/{service}/{problem}"
        for path in service_files(begun(service))
        for problem in layers.check(service, within(service, path), parse(path))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("service", SERVICES)
def test_rules_are_pure(service):
    problems = [
        f"{relative(path)}:{problem}"
        for path in service_files(service)
        if kind_of(service, path) == "rules"
        for problem in purity.check_rules(parse(path), f"boss_{service}.{path.parent.name}")
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("service", SERVICES)
def test_time_comes_with_the_transaction(service):
    problems = [
        f"{relative(path)}:{problem}"
        for path in service_files(service)
        if kind_of(service, path) not in MAY_READ_CLOCK
        for problem in purity.check_clock(parse(path))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("service", SERVICES)
def test_money_is_never_a_float(service):
    problems = [
        f"{relative(path)}:{problem}" for path in service_files(service) for problem in purity.check_floats(parse(path))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("service", SERVICES)
def test_services_have_one_shape(service):
    folder, package = ROOT / "services" / begun(service), package_of(service)
    outside = {path.relative_to(folder).parts[0] for path in tracked_files() if path.is_relative_to(folder)}
    inside = {within(service, path) for path in tracked_files() if path.is_relative_to(package)}
    problems = list(shape.check(service, outside, inside))
    assert not problems, "\n".join(problems)


def test_every_part_of_a_room_exists():
    gone = [part for part in layers.PARTS if not _part(part).exists() and is_begun(part.split("/")[0])]
    assert not gone, "\n".join(gone)


def _part(part: str) -> Path:
    service, room, stem = part.split("/")
    return package_of(service) / room / f"{stem}.py"
