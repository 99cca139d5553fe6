"""`python -m boss_demo.tour`: play docs/tour-agreements.md against an embedded installation and write its answers anew.

The page is the script: each `sh` block is one command, and the `text` block behind it is what the command printed.
"""

import datetime
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from typer.testing import CliRunner

from boss_allinone.installation import AllInOne
from boss_cli.app import app
from boss_cli.clients import SERVICES
from boss_demo import installation
from boss_demo.driver import Driver
from boss_demo.idle import read_topology, wait_for_tasks
from boss_demo.places import TOPOLOGY
from boss_kit.nodes.process import open_directory

PAGE = Path(__file__).parents[2] / "docs" / "tour-agreements.md"
CLUB = next(club for club in installation.CLUBS if club.external_id == "Denver Club")
TOKEN, APPROVED = "tok_tour", "A01"
ATTEMPTS = 20
FIRST_DAY = datetime.date(2026, 1, 10)

_BLOCK = re.compile(r"```sh\n(?P<command>.*?)\n```\n(?:\n```text\n.*?\n```\n)?", re.DOTALL)
_COMMAND = re.compile(
    r"(?:(?P<name>\w+)=\$\()?boss (?P<words>.*?)(?: <<JSON\n(?P<input>.*)\nJSON\n?)?(?(name)\))", re.DOTALL
)
_LAST_PART = re.compile(r"\$\{(\w+)##\*/\}")


class TourError(Exception):
    """A command of the tour failed or can't be read."""


class TourDriver(Driver):
    """Plays of each day what a tour without debts needs: agreements' jobs, the bill run and the processor's answers."""

    def play(self, day: datetime.date) -> None:
        """Play one business date."""
        self.set_clock(day)
        for job in ("suspensions", "cancellations"):
            self.run_job("agreements", job, day)
        self.settle("agreements")
        self.bill(day)
        self.run_job("billing", "sandbox-results", day)
        wait_for_tasks(self.clients, "billing")
        self.settle()


@dataclass
class Tour:
    """A club that is served, with its clock in our hands."""

    driver: Driver
    environ: Mapping[str, str]
    today: datetime.date = FIRST_DAY
    names: dict[str, str] = field(default_factory=dict)

    def play(self, page: str) -> str:
        """Play a page; give it with the answers there were. Raises TourError."""
        return _BLOCK.sub(lambda block: self._with_answer(block["command"]), page)

    def _with_answer(self, command: str) -> str:
        printed = self.answer(command)
        return f"```sh\n{command}\n```\n" + (f"\n```text\n{printed}\n```\n" if printed else "")

    def answer(self, command: str) -> str:
        """Type a command; give what it printed, nothing where it was kept under a name."""
        if command.startswith("play_until "):
            self._play_until(datetime.date.fromisoformat(command.split()[1]))
            return ""
        match = _COMMAND.fullmatch(command)
        if match is None:
            raise TourError(f"no command of the tour: {command[:60]}")
        words = [self._filled(word) for word in shlex.split(match["words"])]
        typed = CliRunner().invoke(app, words, input=self._filled(match["input"] or ""), env=dict(self.environ))
        if typed.exit_code:
            raise TourError(f"{command}\n{typed.output}")
        self.driver.settle()
        printed = "\n".join(line.rstrip() for line in typed.stdout.rstrip().splitlines())
        if match["name"]:
            self.names[match["name"]] = printed
            return ""
        return printed

    def _filled(self, text: str) -> str:
        """Put what was kept into a text, as a shell would: `$NAME`, and `${NAME##*/}` for its last part."""
        text = _LAST_PART.sub(lambda match: self.names[match[1]].rpartition("/")[2], text)
        return Template(text).safe_substitute(self.names)

    def _play_until(self, day: datetime.date) -> None:
        while self.today < day:
            self.today += datetime.timedelta(days=1)
            self.driver.play(self.today)


@contextmanager
def open_tour() -> Iterator[Tour]:
    """Lend a fresh installation with one club, whose cards are approved, on the tour's first day."""
    folder = open_directory("boss-tour-")
    script = folder / "answers.csv"
    script.write_text("token,attempt,code\n" + "".join(f"{TOKEN},{n},{APPROVED}\n" for n in range(1, ATTEMPTS)))
    with AllInOne(folder, seed=1, environ={"BOSS_SANDBOX_SCRIPT": str(script)}) as everything:
        yield _open(everything)


def _open(everything: AllInOne) -> Tour:
    driver = TourDriver(everything.clients, installation.ENTERPRISE, read_topology(TOPOLOGY), seed=1, desk_percent=0)
    driver.set_clock(FIRST_DAY)
    installation.install(everything.clients, [CLUB])
    driver.settle()
    installation.configure(everything.clients, [CLUB])
    driver.settle()
    environ = {f"BOSS_{service.upper()}_ADDRESS": everything.addresses[service] for service in SERVICES}
    environ |= {
        "BOSS_TOKEN_FILE": str(everything.places.keys / "operator.jwt"),
        "BOSS_ENTERPRISE": str(installation.ENTERPRISE_ID),
    }
    return Tour(driver, environ, names={"UNIT": CLUB.name})


if __name__ == "__main__":
    with open_tour() as opened:
        played = opened.play(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(played, encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
