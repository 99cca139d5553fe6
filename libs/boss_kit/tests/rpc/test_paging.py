"""Pages."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.errors import InvalidArgument
from boss_kit.paging import open_page


@given(st.lists(st.integers(), unique=True), st.integers(1, 7))
def test_all_3_pages_put_together_are_the_whole_list_once(numbers: list[int], size: int) -> None:
    rows, token, found = sorted(numbers), "", []
    while True:
        page = open_page(size, token)
        after = page.key(int)
        rest = [row for row in rows if after is None or row > after[0]]
        part, token = page.cut(rest[: page.limit], lambda row: (row,))
        found += part
        if not token:
            break
    assert found == rows


def test_keys_of_every_kind_come_back() -> None:
    row = (date(2026, 1, 1), uuid4(), "Zoë", 7)
    page = open_page(1, "")
    _, token = page.cut([row, row], lambda row: row)
    assert open_page(1, token).key(date.fromisoformat, UUID, str, int) == row
    assert all(letter.isalnum() or letter in "-_" for letter in token)


@pytest.mark.parametrize(("asked", "given_size"), [(0, 100), (5, 5), (1000, 1000), (2**31 - 1, 1000)])
def test_the_size_has_a_default_and_a_limit(asked: int, given_size: int) -> None:
    assert open_page(asked, "").size == given_size


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        open_page(-1, "")
    assert caught.value.violations[0].field == "page_size"


def test_a_token_of_a_list_with_other_filters_is_refused() -> None:
    _, token = open_page(1, "", filters=("a", None)).cut([1, 2], lambda row: (row,))
    assert open_page(1, token, filters=("a", None)).after == (1,)
    with pytest.raises(InvalidArgument, match="other filters"):
        open_page(1, token, filters=("b", None))


@given(st.text(max_size=80))
def test_what_is_no_token_is_refused(text: str) -> None:
    if text:
        with pytest.raises(InvalidArgument):
            open_page(0, text)


def test_a_token_with_another_key_is_refused() -> None:
    _, token = open_page(1, "").cut(["x", "y"], lambda row: (row,))
    for kinds in ((int,), (UUID,), (str, str)):
        with pytest.raises(InvalidArgument):
            open_page(1, token).key(*kinds)
