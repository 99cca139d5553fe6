"""What the pages for people name is there: files, settings, metrics, events, commands."""

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer
import yaml

from boss_cli.app import app
from boss_stack.layout import SERVICES
from tests.architecture.source import ROOT, tracked_files

PAGES = [path for path in tracked_files() if path.suffix == ".md" and "third_party" not in path.parts]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
SCRIPTS = [*ROOT.glob("deploy/boss_*/*.py"), *ROOT.glob("libs/boss_cli/boss_cli/**/*.py"), ROOT / "Makefile"]


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_setting_a_page_names_is_read_somewhere(page: Path) -> None:
    settings = [importlib.import_module(f"boss_{service}.app").SERVICE.settings for service in SERVICES]
    known = {field.metadata.get("variable") for one in settings for field in fields(one)}
    known |= {f"BOSS_{service.upper()}_ADDRESS" for service in SERVICES} | {"BOSS_BILLING_PAGE"}
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    named = set(re.findall(r"\bBOSS_[A-Z][A-Z0-9_]*[A-Z0-9]\b", page.read_text(encoding="utf-8")))
    assert {name for name in named - known if name not in scripts} == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_metric_a_page_names_is_published(page: Path) -> None:
    named = set(re.findall(r"\bboss_[a-z_]+_(?:seconds|total|events|tasks)\b", page.read_text(encoding="utf-8")))
    published = (ROOT / "libs/boss_kit/boss_kit/metrics.py").read_text(encoding="utf-8")
    assert {name for name in named if f'"{name}"' not in published} == set()


def test_the_command_lines_page_names_every_command_and_no_other() -> None:
    page = (ROOT / "libs/boss_cli/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `boss ([a-z]+)", page, re.MULTILINE))
    assert named == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # A group has them; the type is any command's.


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_page_names_its_jobs(service: str) -> None:
    page = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    jobs = importlib.import_module(f"boss_{service}.jobs").JOBS
    assert [job.name for job in jobs if f"`{job.name}`" not in page] == []


def test_the_picture_names_events_and_calls_that_there_are() -> None:
    # A name over two lines is one name.
    drawn = re.sub(r"-</text><text[^>]*>", "", (ROOT / "docs/services.svg").read_text(encoding="utf-8"))
    protos = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "protos/boss").rglob("*.proto"))
    labels = re.findall(r'class="(label|asked)[^>]*>([^<]+)<', drawn)
    named = {name for _, text in labels for name in re.findall(r"(?<!…)\b[A-Z][A-Za-z]+", text)}
    assert {name for name in named if f"message {name} " not in protos and f"rpc {name}(" not in protos} == set()
    assert len(named) > 10


def test_the_picture_has_the_five_services_of_the_topology() -> None:
    drawn = (ROOT / "docs/services.svg").read_text(encoding="utf-8")
    topology = yaml.safe_load((ROOT / "protos/topology.yaml").read_text(encoding="utf-8"))
    assert set(re.findall(r'class="name"[^>]*>([a-z]+)<', drawn)) == set(topology["consumers"])
