"""A message's texts by columns: all of them are seen, and judged as one by one."""

from collections.abc import Sequence
from typing import Any

from google.protobuf import struct_pb2
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.rpc.content import are_clean, check_texts, texts_of
from boss_kit.rpc.texts import columns_of

TEXTS = st.one_of(
    st.text(max_size=8),
    st.uuids().map(str),
    st.sampled_from(
        [
            "4111111111111111",
            "4111 1111 1111 1111",
            "4111-1111\u00a01111 1111 12",
            "\u0664111111111111111",
            "4111111111111112",
            "tok_4111111111111111",
            "a\0b",
            "11111111-1111-4111-8111-111111111111",
            "2026-01-03 2026-02-04",
            "café 378282246310005",
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def seen(message: Message, *, deep: bool = True) -> list[tuple[str, str]]:
    columns = columns_of(message, deep=deep)
    return sorted((name, value) for name, values in columns for value in values if value)


def one_by_one(message: Message, *, deep: bool = True) -> list[tuple[str, str]]:
    return sorted((text.field, text.value) for text in texts_of(message, deep=deep) if text.value)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_columns_hold_every_text_and_are_judged_as_one_by_one(content: dict[str, Any]) -> None:
    message = struct_pb2.Struct()
    message.update(content)
    assert seen(message) == one_by_one(message)
    assert are_clean(columns_of(message)) == (not check_texts(list(texts_of(message))))


@given(st.lists(TEXTS, max_size=6), st.sampled_from(["text", "token", "home_phone"]))
def test_texts_of_many_records_are_judged_as_one_by_one(notes_protos: Any, texts: Sequence[str], field: str) -> None:
    others = [notes_protos.pb.Note(name=text, text="fine") for text in texts]
    request = notes_protos.pb.CreateNoteRequest(others=others, labels={text: text for text in texts})
    setattr(request, field, texts[0] if texts else "")
    assert seen(request) == one_by_one(request)
    assert seen(request, deep=False) == one_by_one(request, deep=False)
    assert are_clean(columns_of(request)) == (not check_texts(list(texts_of(request))))
