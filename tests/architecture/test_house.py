"""Rules that hold for every file of the repository."""

import re

from tests.architecture import words
from tests.architecture.source import ROOT, SERVICES, imports, parse, python_files, relative, tracked_files

LINES_MAX = 500
BROKER = ("pika", "kombu", "nameko", "amqp", "eventlet")
# Put together here so that this file doesn't find itself.
REGISTRY_HOSTS = re.compile(
    "|".join(("pypi" + r"\.org", "python" + "hosted", r"registry\." + "npmjs", r"proxy\." + "golang"))
)
HOME_PATHS = re.compile(r"(?<![\w.$}])/" + r"(?:root|home/(?!\*)[\w.-]+|Users/[\w.-]+)/")


def test_python_files_are_short():
    long = {relative(path): _lines(path) for path in python_files() if _lines(path) > LINES_MAX}
    assert long == {}


def test_no_registry_is_named():
    found = _found(REGISTRY_HOSTS)
    assert not found, "\n".join(found)


def test_no_home_directory_is_named():
    found = _found(HOME_PATHS)
    assert not found, "\n".join(found)


def test_the_kit_knows_no_business():
    found = [
        f"{relative(path)}:{problem}"
        for path in python_files("libs/boss_kit/boss_kit")
        for problem in words.check(parse(path))
    ]
    assert not found, "\n".join(found)


def test_the_kit_and_the_command_line_know_no_service():
    packages = [f"boss_{service}" for service in SERVICES]
    found = [
        f"{relative(path)}:{imported.line}: {imported.name}"
        for path in python_files("libs/boss_kit/boss_kit", "libs/boss_cli/boss_cli")
        for imported in imports(parse(path))
        if imported.is_of(*packages)
    ]
    assert not found, "\n".join(found)


def test_the_broker_stays_in_the_kits_events():
    events = ROOT / "libs/boss_kit/boss_kit/events"
    found = [
        f"{relative(path)}:{imported.line}: {imported.name}"
        for path in python_files("libs", "services", "deploy")
        if not path.is_relative_to(events) and "tests" not in path.parts
        for imported in imports(parse(path))
        if imported.is_of(*BROKER)
    ]
    assert not found, "\n".join(found)


def _lines(path):
    return path.read_text(encoding="utf-8").count("\n")


def _found(pattern):
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{relative(path)}: {match.group()}" for match in pattern.finditer(text)]
    return found
