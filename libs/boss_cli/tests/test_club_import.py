"""The club import as a client: both services check first, then both take a record, or neither (DESIGN 4)."""

import csv
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from boss.agreements.v1 import member_service_pb2_grpc
from boss.billing.v1 import account_service_pb2_grpc
from stand_ins import Accounts, Members, connected, serving

from boss_cli.clients import Clients
from boss_cli.club_file import COLUMNS, Rejected
from boss_cli.club_import import CHARACTERS_PER_MESSAGE, RECORDS_PER_MESSAGE, import_club
from boss_kit.errors import Transient

ENTERPRISE = uuid4()


class Club:
    """Two stand-ins, clients for them and a file."""

    def __init__(self, clients: Clients, members: Members, accounts: Accounts, path: Path) -> None:
        self.clients, self.members, self.accounts, self.path = clients, members, accounts, path

    def write(self, *external_ids: str, **values: str) -> None:
        with self.path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({"external_id": external_id, **values} for external_id in external_ids)


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    members, accounts = Members(), Accounts()

    def add_members(server: grpc.Server) -> None:
        member_service_pb2_grpc.add_MemberServiceServicer_to_server(members, server)

    def add_accounts(server: grpc.Server) -> None:
        account_service_pb2_grpc.add_AccountServiceServicer_to_server(accounts, server)

    with (
        serving(add_members) as agreements,
        serving(add_accounts) as billing,
        connected({"agreements": agreements, "billing": billing}) as clients,
    ):
        yield Club(clients, members, accounts, tmp_path / "club.csv")


def test_each_service_gets_its_own_columns_of_every_record(club: Club) -> None:
    club.write("M1", first_name="Zoë", tender="VISA", notes='Moved, "new"\naddress')
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert (report.records, report.imported, report.already_there, report.rejected) == (1, 1, 0, [])
    assert club.members.taken["M1"].first_name == "Zoë"
    assert club.members.taken["M1"].notes == 'Moved, "new"\naddress'
    assert club.accounts.taken["M1"].tender == "VISA"
    assert club.members.messages[0].parent == f"enterprises/{ENTERPRISE}"


def test_a_record_that_one_service_refuses_is_imported_by_neither(club: Club) -> None:
    club.members.refuses = {"M2": ("price", "thirty is not a number.")}
    club.accounts.refuses = {"M3": ("token", "It looks like a card number.")}
    club.write("M1", "M2", "M3", "M4")
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert set(club.members.taken) == set(club.accounts.taken) == {"M1", "M4"}
    assert report.imported == 2
    assert report.rejected == [
        Rejected(2, "M2", "price", "thirty is not a number."),
        Rejected(3, "M3", "token", "It looks like a card number."),
    ]


def test_what_both_services_refuse_is_told_once_with_both_fields(club: Club) -> None:
    club.members.refuses = {"M1": ("price", "Not a number.")}
    club.accounts.refuses = {"M1": ("tender", "Unknown.")}
    club.write("M1")
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert report.rejected == [Rejected(1, "M1", "price", "Not a number. Also tender: Unknown.")]


def test_the_same_reason_from_both_services_is_told_once(club: Club) -> None:
    club.members.refuses = club.accounts.refuses = {"M1": ("business_unit", "Unknown.")}
    club.write("M1")
    assert import_club(club.clients, ENTERPRISE, club.path).rejected == [Rejected(1, "M1", "business_unit", "Unknown.")]


def test_nothing_is_taken_before_both_have_checked_the_whole_file(club: Club) -> None:
    club.write(*(f"M{number}" for number in range(RECORDS_PER_MESSAGE + 1)))
    import_club(club.clients, ENTERPRISE, club.path)
    for importer in (club.members, club.accounts):
        assert [message.validate_only for message in importer.messages] == [True, True, False, False]


def test_a_second_import_of_the_same_file_finds_everything_there(club: Club) -> None:
    club.write("M1", "M2")
    import_club(club.clients, ENTERPRISE, club.path)
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert (report.records, report.imported, report.already_there) == (2, 0, 2)


def test_a_record_that_only_one_service_has_counts_as_imported(club: Club) -> None:
    club.write("M1")
    import_club(club.clients, ENTERPRISE, club.path)
    club.accounts.taken.clear()
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert (report.imported, report.already_there) == (1, 0)
    assert "M1" in club.accounts.taken


def test_a_record_refused_only_at_the_end_is_refused_by_the_other_too(club: Club) -> None:
    """Somebody else may import between the check and the import."""
    club.write("M1", "M2")

    def refuse_late(phase: str, records: int) -> None:
        club.members.refuses = {"M1": ("external_id", "Taken meanwhile.")}

    report = import_club(club.clients, ENTERPRISE, club.path, refuse_late)
    assert set(club.accounts.taken) == {"M2"}
    assert [rejected.external_id for rejected in report.rejected] == ["M1"]


def test_no_message_holds_more_than_500_records_or_grows_beyond_its_size(club: Club) -> None:
    club.write(*(f"M{number}" for number in range(1201)), notes="n" * 3000)
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert report.imported == 1201
    assert all(len(message.records) <= RECORDS_PER_MESSAGE for message in club.members.messages)
    assert all(message.ByteSize() < 2 * CHARACTERS_PER_MESSAGE for message in club.members.messages)


@pytest.mark.parametrize("message", [1, 2, 3, 4])
def test_all_4_a_stream_that_breaks_is_taken_up_again_without_loss_or_doubles(club: Club, message: int) -> None:
    club.members.breaks_at = {message}
    club.accounts.breaks_at = {message}
    club.write(*(f"M{number}" for number in range(RECORDS_PER_MESSAGE + 7)))
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert (report.records, report.imported, report.already_there) == (507, 507, 0)
    assert len(club.members.taken) == len(club.accounts.taken) == 507


def test_a_service_that_stays_away_ends_the_import_with_its_name(club: Club) -> None:
    club.write("M1")
    with connected({}) as clients, pytest.raises(Transient, match="agreements"):
        import_club(clients, ENTERPRISE, club.path, again_s=0.3)


def test_progress_is_told_for_both_phases(club: Club) -> None:
    told: list[tuple[str, int]] = []
    club.write("M1", "M2")
    import_club(club.clients, ENTERPRISE, club.path, lambda phase, records: told.append((phase, records)))
    assert told == [("checking", 2), ("importing", 2)]


def test_a_nul_character_reaches_the_service_as_a_value_of_its_record(club: Club) -> None:
    club.members.refuses = {"M1": ("first_name", "holds a NUL character, which no text may.")}
    club.write("M1", "M2", first_name="A\0va")
    report = import_club(club.clients, ENTERPRISE, club.path)
    assert "\0" in club.members.messages[0].records[0].first_name
    assert (report.imported, len(report.rejected)) == (1, 1)
