"""The reader of a club's file: every row becomes a record or a refusal, and nothing becomes a crash."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_cli.club_file import COLUMNS, RECORD_CHARACTERS_MAX, Record, Rejected, open_club_file, read_club_file
from boss_cli.failures import BossCommandError

HEADER = ",".join(COLUMNS)


def row(external_id: str = "M1", **values: str) -> str:
    return ",".join({"external_id": external_id, **values}.get(column, "") for column in COLUMNS)


def read(*lines: str) -> list[Record | Rejected]:
    return list(read_club_file(io.StringIO("\r\n".join(lines) + "\r\n", newline="")))


def read_bytes(path: Path, data: bytes) -> list[Record | Rejected]:
    path.write_bytes(data)
    with open_club_file(str(path)) as file:
        return list(read_club_file(file))


def test_records_are_numbered_from_1_and_blank_lines_do_not_count() -> None:
    found = read(HEADER, row("M1"), "", row("M2"))
    assert [(one.number, one.values["external_id"]) for one in found if isinstance(one, Record)] == [
        (1, "M1"),
        (2, "M2"),
    ]


def test_columns_may_stand_in_any_order() -> None:
    names = list(reversed(COLUMNS))
    (record,) = read(",".join(names), ",".join(f"value of {name}" for name in names))
    assert isinstance(record, Record)
    assert record.values["tender"] == "value of tender"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (record,) = read_bytes(tmp_path / "club.csv", b"\xef\xbb\xbf" + f"{HEADER}\r\n{row()}\r\n".encode())
    assert isinstance(record, Record)


def test_a_quoted_line_break_stays_in_its_value() -> None:
    (record,) = read(HEADER, row(notes='"Moved, ""new"" address\non file"'))
    assert isinstance(record, Record)
    assert record.values["notes"] == 'Moved, "new" address\non file'


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "empty"),
        (HEADER.replace(",token", ""), "missing: token"),
        (HEADER + ",shoe_size", "not known: shoe_size"),
        (HEADER + ",token", "there twice: token"),
        ("a;b;c", "missing: external_id"),
    ],
)
def test_a_header_that_is_not_a_clubs_is_refused_by_the_columns_names(header: str, told: str) -> None:
    with pytest.raises(BossCommandError, match=told):
        list(read_club_file(io.StringIO(header)))


def test_a_row_with_too_few_fields_is_a_rejected_record() -> None:
    found = read(HEADER, "M1,Denver Club", row("M2"))
    assert found[0] == Rejected(
        1, "M1", "first_name", "The row has 2 fields, it needs 35; first_name and what follows is missing."
    )
    assert isinstance(found[1], Record)


def test_a_row_with_too_many_fields_is_a_rejected_record() -> None:
    found = read(HEADER, row() + ",one more", row("M2"))
    assert isinstance(found[0], Rejected)
    assert "36 fields" in found[0].reason
    assert isinstance(found[1], Record)


def test_bytes_that_are_not_utf_8_reject_their_record_only(tmp_path: Path) -> None:
    lines = [HEADER.encode(), row("M1", first_name="Zo\xeb").encode("latin-1"), row("M2").encode()]
    found = read_bytes(tmp_path / "club.csv", b"\r\n".join(lines))
    assert found[0] == Rejected(1, "M1", "first_name", "first_name isn't UTF-8; save the file as UTF-8.")
    assert isinstance(found[1], Record)


def test_a_record_too_long_for_a_message_is_rejected() -> None:
    half = "n" * (RECORD_CHARACTERS_MAX // 2)
    found = read(HEADER, row(notes=half, city=half), row("M2"))
    assert isinstance(found[0], Rejected)
    assert isinstance(found[1], Record)


def test_a_quote_that_is_never_closed_is_a_rejected_record_not_a_crash() -> None:
    found = read(HEADER, row("M1"), '"' + "x" * 140_000, row("M3"))
    assert isinstance(found[0], Record)
    assert any(isinstance(one, Rejected) and "quote" in one.reason for one in found)


def test_a_missing_file_is_told_as_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BossCommandError, match="can't be read: No such file"):
        open_club_file(str(tmp_path / "none.csv"))


@given(st.text(max_size=400))
def test_any_text_after_a_good_header_becomes_records_or_refusals(text: str) -> None:
    found = list(read_club_file(io.StringIO(f"{HEADER}\r\n{text}", newline="")))
    numbers = [one.number if isinstance(one, Record) else one.record for one in found]
    assert numbers == list(range(1, len(found) + 1))
