"""`boss` against the five services themselves: in one process, on a real database."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from boss_allinone.installation import AllInOne
from boss_cli.app import app
from boss_cli.clients import SERVICES
from boss_demo import installation
from boss_demo.driver import Driver
from boss_demo.idle import read_topology
from boss_demo.places import DATA_CSV, TOPOLOGY
from boss_kit.nodes.process import open_directory

if TYPE_CHECKING:
    from typer.testing import Result

# What is wrong with the demo's file, by record and external id.
PROBLEMS = {
    4: "M001201",
    70: "M001210",
    85: "M001213",
    99: "M001205",
    230: "M000001",
    235: "M001211",
    249: "M001203",
    445: "M001212",
    487: "M001202",
    546: "M001206",
    596: "M001214",
    609: "M001217",
    656: "M001209",
    729: "M001207",
    1009: "M001208",
    1041: "M001218",
    1128: "M001216",
    1158: "M001204",
}
ANSWER = "{:,} records: {:,} imported, {:,} were there already, {} refused."


class Desk:
    """`boss` at an installation that has imported the demo's club."""

    def __init__(self, everything: AllInOne, driver: Driver) -> None:
        self.driver = driver
        self._environ = {
            **{f"BOSS_{service.upper()}_ADDRESS": everything.addresses[service] for service in SERVICES},
            "BOSS_TOKEN_FILE": str(everything.places.keys / "operator.jwt"),
            "BOSS_ENTERPRISE": str(installation.ENTERPRISE_ID),
        }
        self.imported = self.run("import", str(DATA_CSV))
        driver.settle()

    def run(self, *arguments: str) -> "Result":
        """Type a command."""
        return CliRunner().invoke(app, list(arguments), env=self._environ)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with AllInOne(open_directory("boss-cli-")) as everything:
        driver = Driver(everything.clients, installation.ENTERPRISE, read_topology(TOPOLOGY), seed=1)
        driver.set_clock(installation.FIRST_DAY)
        installation.install(everything.clients, installation.CLUBS)
        driver.settle()
        installation.configure(everything.clients, installation.CLUBS)
        driver.settle()
        yield Desk(everything, driver)


def test_all_1_the_club_is_imported_but_for_the_records_that_are_wrong(desk: Desk) -> None:
    assert desk.imported.exit_code == 0, desk.imported.output
    assert ANSWER.format(1218, 1200, 0, 18) in desk.imported.stdout
    rows = (line.split() for line in desk.imported.stdout.splitlines()[1:])
    refused = {int(row[0]): row[1] for row in rows if len(row) > 3 and row[0].isdigit()}
    assert refused == PROBLEMS
    # The table has a column for the field, so the reason needn't begin with it.
    assert "last_name        is missing." in desk.imported.stdout


def test_all_3_the_same_file_again_changes_nothing(desk: Desk) -> None:
    again = desk.run("import", str(DATA_CSV))
    assert ANSWER.format(1218, 0, 1200, 18) in again.stdout
    desk.driver.settle()


def test_status_shows_five_services_with_nothing_left_to_do(desk: Desk) -> None:
    result = desk.run("status")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert rows == [[service, "yes", "2026-01-01", "18:00:00", *"00000"] for service in SERVICES]


def test_col_1_the_imported_balances_are_who_owes(desk: Desk) -> None:
    result = desk.run("debtors", "--days-min", "1", "--limit", "2000")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert "59.00 USD" in rows["M000007"]
    assert "Fatima O'Neill" in rows["M000007"]
    assert "M000001" not in rows
    owing = desk.run("debtors", "--unit", "Denver Club", "--as-of", "2025-12-31")
    assert owing.stdout.strip() == "Nobody owes what was asked for."


def test_all_2_the_timeline_tells_the_import_from_more_than_one_service(desk: Desk) -> None:
    result = desk.run("timeline", "M000007")
    assert result.exit_code == 0, result.output
    assert {"agreements", "billing"} <= {line.split()[1] for line in result.stdout.splitlines()[1:]}


def test_what_does_not_exist_is_told_in_a_sentence(desk: Desk) -> None:
    assert desk.run("arm", "summary", "M999999").stderr == "There is no account 'M999999' in this enterprise.\n"
    unknown = desk.run("jobs", "run", "arm", "nothing", "--date", "2026-01-01").stderr
    assert unknown.startswith("There is no job 'nothing'; there are: ")
    assert desk.run("debtors", "--unit", "Nowhere").stderr.endswith("[BUSINESS_UNIT_NOT_FOUND]\n")


def test_any_method_is_called_with_fields_or_json_and_shows_what_is_asked_for(desk: Desk) -> None:
    parent = f"parent={installation.ENTERPRISE}"
    ask = ("call", "agreements", "OrganizationService.ListBusinessUnits")
    names = desk.run(*ask, parent, "--show", "business_units.display_name").stdout.splitlines()
    assert names == sorted(club.external_id for club in installation.CLUBS)
    table = desk.run(
        *ask, f'{{"parent": "{installation.ENTERPRISE}"}}', "--show", "business_units.currency,business_units.etag"
    )
    assert table.stdout.split()[:4] == ["currency", "etag", "USD", "1"]
    members = desk.run("call", "agreements", "MemberService.ListMembers", parent, "page_size=1")
    assert '"external_id": "M000001"' in members.stdout
    account = f"name={installation.CLUBS[0].name}"
    unit = desk.run(
        "call", "agreements", "OrganizationService.GetBusinessUnit", account, "--show", "currency,time_zone"
    )
    assert unit.stdout.split()[2:] == ["currency", "USD", "time_zone", "America/New_York"]


def test_a_call_that_can_not_be_is_refused_in_a_sentence(desk: Desk) -> None:
    told = " ".join(desk.run("call", "agreements", "MemberService.Nothing", "{}").stderr.split())
    assert "no method 'MemberService.Nothing'; MemberService has GetMember, " in told
    told = " ".join(desk.run("call", "agreements", "Members.GetMember", "{}").stderr.split())
    assert "write SERVICE.METHOD, where SERVICE is one of ActivityService, " in told
    assert "ClockService" in told
    assert "is a stream" in desk.run("call", "agreements", "MemberService.ImportMembers", "{}").stderr
    assert "no GetMemberRequest" in desk.run("call", "agreements", "MemberService.GetMember", "nam=x").stderr
    assert "no GetMemberRequest" in desk.run("call", "agreements", "MemberService.GetMember", "{").stderr
    missing = desk.run(
        "call", "agreements", "MemberService.ListMembers", f"parent={installation.ENTERPRISE}", "--show", "x"
    )
    assert missing.stderr == "The answer has no field 'x'.\n"


def test_bil_11_what_an_imported_account_was_asked_for_is_listed(desk: Desk) -> None:
    result = desk.run("accounts", "invoices", "M000007", "--open")
    assert result.exit_code == 0, result.output
    first, total = (" ".join(line.split()) for line in result.stdout.splitlines()[1:])
    assert first.startswith("M000007-1 opening balance 2026-01-01 ")
    assert (first.split()[5:9], total) == (["59.00", "USD"] * 2, "1 in all 59.00 USD 59.00 USD")
    assert desk.run("accounts", "payments", "M000007").stdout == "There is no payment.\n"
    assert desk.run("accounts", "movements", "M000007").stdout == "There is no movement.\n"


def test_bil_11_a_cut_aging_says_that_more_accounts_owe(desk: Desk) -> None:
    result = desk.run("accounts", "aging", "--limit", "2")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "Owed at the end of 2026-01-01, by days since it was due"
    assert lines[-1] == "More accounts exist: these are the first 2; --limit shows more."
    owing = int(lines[-2].split()[1])
    every = desk.run("accounts", "aging", "--limit", "2000").stdout.splitlines()
    assert len(every) == owing + 3


@pytest.mark.parametrize(
    "command",
    [
        ("accounts", "aging"),
        ("deposits", "list"),
        ("reports", "batches", "--batch", "1"),
        ("reports", "submitted", "--from", "2026-01-01", "--to", "2026-01-31"),
    ],
)
def test_bil_9_a_unit_there_is_not_is_refused_with_those_there_are(desk: Desk, command: tuple[str, ...]) -> None:
    told = desk.run(*command, "--unit", "Denver").stderr
    names = ", ".join(club.external_id for club in installation.CLUBS)
    assert told == (
        f"--unit: there is no business unit 'Denver' in this enterprise; there are: {names}. "
        "[BUSINESS_UNIT_NOT_FOUND]\n"
    )


def test_bil_1_a_bill_run_is_listed_and_watched_by_its_id_and_its_batches_are_reported(desk: Desk) -> None:
    assert desk.run("run", "list").stdout == "There is no bill run.\n"
    started = desk.run("run", "start", "--date", "2026-01-01", "--unit", "Denver Club", "--watch")
    assert started.exit_code == 0, started.output
    desk.driver.settle()
    row = desk.run("run", "list").stdout.splitlines()[1].split()
    assert row[:4] == ["2026-01-01", "Denver", "Club", "submitted"]
    assert row[-1] in desk.run("run", "watch", row[-1]).stdout
    days = ("--from", "2026-01-01", "--to", "2026-01-01")
    batches = desk.run("reports", "batches", *days, "--unit", "Denver Club")
    assert "Denver Club" in batches.stdout
    number = next(line.split()[0] for line in batches.stdout.splitlines() if "Original" in line)
    one = desk.run("reports", "reconciliation", "--batch", number)
    assert one.stdout.splitlines()[0] == f"Billing Reconciliation, batch {number}"
    assert "1 batch " in one.stdout


def test_nothing_was_parked(desk: Desk) -> None:
    assert {desk.run("parked", "list", service).stdout for service in SERVICES} == {
        f"{service} has parked nothing.\n" for service in SERVICES
    }
