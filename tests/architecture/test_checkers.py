"""The checkers find what they are for, and let pass what is fine."""

import ast
from pathlib import PurePosixPath

import pytest

from tests.architecture import layers, purity, shape, words
from tests.architecture.source import imports
from tests.architecture.test_house import HOME_PATHS, REGISTRY_HOSTS


def layered(path, code, service="billing"):
    return list(layers.check(service, PurePosixPath(path), ast.parse(code)))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("runs/rules.py", "from boss_billing.runs import store"),
        ("runs/rules.py", "from boss_billing.runs.store import load"),
        ("runs/rules.py", "from . import store"),
        ("runs/store.py", "from boss_billing.runs import commands"),
        ("runs/commands.py", "from boss_billing.runs.process import bill"),
        ("runs/commands.py", "from boss_billing.runs import rpc"),
        ("runs/commands.py", "from boss_billing import clients"),
        ("runs/commands.py", "from boss_billing.adapters.simulator import Simulator"),
        ("runs/queries.py", "from boss_billing.events import encode"),
        ("runs/process.py", "from boss_billing.app import SERVICE"),
        ("runs/__init__.py", "from boss_billing.runs import store"),
        ("events.py", "from boss_billing.runs import store"),
        ("clients.py", "from boss_billing.runs.process import bill"),
        ("adapters/simulator.py", "from boss_billing.runs import commands"),
        ("settings.py", "from boss_billing import app"),
        ("__main__.py", "def f():\n    import boss_arm.app"),
        ("app.py", "from boss_billing import __main__"),
        ("app.py", "import boss_demo"),
        ("runs/commands.py", "from boss.billing.v1 import invoice_service_pb2"),
        ("runs/store.py", "from google.protobuf import timestamp_pb2"),
        ("runs/process.py", "import grpc"),
        ("runs/commands.py", "import sqlalchemy as sa"),
        ("runs/rpc.py", "from sqlalchemy import select"),
        ("app.py", "import pika"),
        ("subscriptions.py", "from nameko.events import event_handler"),
        ("helpers.py", "from boss_billing.runs import rules"),
        ("runs/helpers.py", "from boss_billing.runs import rules"),
    ],
)
def test_imports_that_run_the_wrong_way_are_found(path, code):
    assert len(layered(path, code)) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("__main__.py", "from boss_billing.app import SERVICE"),
        ("app.py", "from boss_billing.runs.rpc import BillRunServicer"),
        ("runs/rpc.py", "from boss_billing.runs import commands, convert, queries"),
        ("runs/rpc.py", "import grpc\nfrom boss.billing.v1 import bill_run_service_pb2"),
        ("runs/process.py", "from boss_billing.clients import AgreementsClient"),
        ("runs/process.py", "from boss_billing.runs import commands, store, rules"),
        ("runs/commands.py", "from boss_billing.invoices import rules, store"),
        ("runs/store.py", "import sqlalchemy as sa\nfrom . import rules"),
        ("runs/rules.py", "from boss_billing.invoices.rules import Invoice"),
        ("events.py", "from boss_billing.invoices.rules import Created\nfrom google.type import date_pb2"),
        ("payments/planning.py", "from boss_billing.payments import rules"),
    ],
)
def test_imports_that_run_the_right_way_pass(path, code):
    assert layered(path, code) == []


def test_a_part_of_a_room_obeys_the_file_it_is_a_part_of():
    assert len(layered("payments/planning.py", "from boss_billing.payments import store")) == 1


def test_relative_imports_are_resolved():
    found = [
        imported.name
        for imported in imports(ast.parse("from ..units import rules\nfrom . import store"), "boss_x.runs")
    ]
    assert found == ["boss_x.units.rules", "boss_x.runs.store"]


@pytest.mark.parametrize(
    "code",
    [
        "import logging",
        "import random",
        "import sqlalchemy",
        "from os import environ",
        "from pathlib import Path",
        "from boss_kit.unit_of_work import Transaction",
        "from boss_kit.ids import new_id",
        "from uuid import uuid4",
        "def f():\n    return open('x')",
        "import datetime\ntoday = datetime.date.today()",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)",
        "price: float = 1",
        "def f(amount_minor: float | None): ...",
        "def total_of(lines) -> float: ...",
        "fee = 0.5",
        "balance = float(text)",
    ],
)
def test_impure_rules_are_found(code):
    assert list(purity.check_rules(ast.parse(code), "boss_billing.runs")) != []


@pytest.mark.parametrize(
    "code",
    [
        "from dataclasses import dataclass\nfrom datetime import date, timedelta",
        "from boss_kit.money import Money\nfrom boss_kit.days import add_months",
        "from boss_billing.invoices.rules import Invoice",
        "def due(today: date) -> bool:\n    return today.day == 1",
        "generated: float = 1",
    ],
)
def test_pure_rules_pass(code):
    assert list(purity.check_rules(ast.parse(code), "boss_billing.runs")) == []


@pytest.mark.parametrize(
    "code", ["import time\ntime.sleep(1)", "from time import sleep", "import time\nx = time.time()"]
)
def test_clocks_are_found(code):
    assert list(purity.check_clock(ast.parse(code))) != []


def test_a_monotonic_clock_is_no_date():
    assert list(purity.check_clock(ast.parse("import time\nends = time.monotonic() + 5"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "invoice = 1",
        "def open_invoices(): ...",
        "class MemberStore: ...",
        "x.dunning_level",
        "f(payment=1)",
        "t = 'a member'",
    ],
)
def test_business_words_are_found(code):
    assert list(words.check(ast.parse(code))) != []


@pytest.mark.parametrize(
    "code",
    [
        "remember = 1",
        "'''Like an invoice.'''\nx = 1",
        "# a member\nx = 1",
        "recharged = disagreement",
        "Code.__members__",
    ],
)
def test_other_words_pass(code):
    assert list(words.check(ast.parse(code))) == []


def fine():
    names = [
        *shape.TOP_FILES,
        "migrations/versions/0001_kit.py",
        "runs/__init__.py",
        "runs/rules.py",
        "adapters/simulator.py",
    ]
    return {PurePosixPath(name) for name in names}


def test_the_one_shape_passes():
    assert list(shape.check("billing", shape.SERVICE_ENTRIES, fine())) == []


@pytest.mark.parametrize(
    ("outside", "added", "removed"),
    [
        ({"README.md", "tests"}, set(), set()),
        ({*shape.SERVICE_ENTRIES, "__init__.py"}, set(), set()),
        (shape.SERVICE_ENTRIES, {"helpers.py"}, set()),
        (shape.SERVICE_ENTRIES, {"runs/helpers.py"}, set()),
        (shape.SERVICE_ENTRIES, {"runs/deep/rules.py"}, set()),
        (shape.SERVICE_ENTRIES, {"units/rules.py"}, set()),
        (shape.SERVICE_ENTRIES, set(), {"jobs.py"}),
        (shape.SERVICE_ENTRIES, set(), {"migrations/versions/0001_kit.py"}),
    ],
)
def test_another_shape_is_found(outside, added, removed):
    inside = {*fine(), *map(PurePosixPath, added)} - set(map(PurePosixPath, removed))
    assert len(list(shape.check("billing", outside, inside))) == 1


@pytest.mark.parametrize("text", ["cd /" + "root/x", "path=/" + "home/anna/boss", "'/" + "Users/anna/boss'"])
def test_home_directories_are_found(text):
    assert HOME_PATHS.search(text)


@pytest.mark.parametrize(
    "text", ["/var/lib/boss", "https://example.com/" + "home/page/", "$HOME/x", "services/" + "root/x"]
)
def test_other_paths_pass(text):
    assert not HOME_PATHS.search(text)


def test_registries_are_found():
    assert REGISTRY_HOSTS.search("https://" + "pypi" + ".org/simple")
