"""Templates and recordings are checked when they are saved (SPEC NOT-3, NOT-6)."""

import contextlib
from typing import Any
from uuid import uuid4

import pytest
from boss.notifications.v1 import template_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st
from notification_facts import Club, wav

from boss_kit.errors import InvalidArgument, NotFound
from boss_notifications.templates.audio import check_recording
from boss_notifications.templates.rules import Draft, check_texts, render

PROMISED = ("first_name", "balance")


def draft(body: str, subject: str = "Hello") -> Draft:
    return Draft("Email", "One", subject, body, placeholders=PROMISED)


def violations(made: Draft) -> dict[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        check_texts(made)
    return {one.field: one.description for one in caught.value.violations}


def test_not_3_a_placeholder_nobody_fills_is_named_at_save() -> None:
    found = violations(draft("{{ first_name }} owes {{ amount }}", "Hello {{ nick }}"))
    assert "amount" in found["template.body"]
    assert "nick" in found["template.subject"]


@pytest.mark.parametrize(
    "body",
    [
        "{{ first_name",
        "{% if %}",
        "{{ first_name.upper() }}",
        "{{ first_name.__class__ }}",
        "{{ first_name[0] }}",
        "{{ 'a' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for c in first_name %}{{ c }}{% endfor %}",
        "{% set x = 1 %}",
        "{% include 'other' %}",
        "{{ first_name | center(999999999) }}",
        "{{ first_name | attr('x') }}",
        "{{ range(9) }}",
        "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}",
    ],
)
def test_not_3_a_template_can_do_no_more_than_fill_in(body: str) -> None:
    assert violations(draft(body))["template.body"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{{ first_name }} owes {{ balance }}.", "Chloé owes $1."),
        ("{{ first_name | upper }}", "CHLOÉ"),
        ("{% if balance == '$1.' %}a{% else %}b{% endif %}", "b"),
        ("{{ balance if first_name else 'nothing' }}", "$1"),
        ("<b>{{ first_name }}</b>", "<b>Chloé</b>"),
        ("No placeholder at all.", "No placeholder at all."),
    ],
)
def test_a_checked_template_fills_in(body: str, text: str) -> None:
    check_texts(draft(body))
    assert render(body, {"first_name": "Chloé", "balance": "$1"}) == text


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (Draft("Email", "One", "", "text"), "template.subject"),
        (Draft("Email", " ", "subject", "text"), "template.display_name"),
        (Draft("Email", "One\u202eTwo", "subject", "text"), "template.display_name"),
        (Draft("Letter", "One", "subject", " "), "template.body"),
        (Draft("Email", "One", "two\nlines", "text"), "template.subject"),
        (Draft("Phone", "One"), "template.audio"),
        (Draft("Phone", "One", body="text", audio=b"x"), "template.body"),
        (Draft("Email", "One", "subject", "text", audio=b"x"), "template.audio"),
    ],
)
def test_arm_2_each_channel_has_its_own_kind_of_template(made: Draft, field: str) -> None:
    assert field in violations(made)


def test_not_6_a_recording_knows_its_length() -> None:
    assert check_recording(wav(1.5)).duration_ms == 1500
    assert check_recording(wav(120)).duration_ms == 120_000


def _changed(at: int, value: bytes) -> bytes:
    whole = bytearray(wav(0.1))
    whole[at : at + len(value)] = value
    return bytes(whole)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ID3\x04 an mp3 that was renamed", "no WAV file"),
        (b"", "no WAV file"),
        (wav()[:-100], "cut off"),
        (wav()[:60], "cut off"),
        (wav(120.1), "120 s"),
        (wav(0), "data chunk is empty"),
        (wav()[:36] + b"junk" + (0).to_bytes(4, "little"), "cut off"),
        (_changed(20, (0x0011).to_bytes(2, "little")), "compressed"),
        (_changed(22, (7).to_bytes(2, "little")), "7 channels"),
        (_changed(28, (1).to_bytes(4, "little")), "contradicts itself"),
        (_changed(28, (0).to_bytes(4, "little")), "contradicts itself"),
        (_changed(12, b"fmtx"), "no format chunk"),
        (_changed(36, b"dada"), "data chunk is missing"),
        (b"\0" * 3_000_001, "at most 3,000,000"),
    ],
)
def test_not_6_a_bad_recording_is_refused_with_what_is_wrong(content: bytes, says: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_recording(content)
    assert says in caught.value.message
    assert caught.value.metadata["field"] == "template.audio"


@given(st.binary(max_size=200), st.integers(0, 60), st.binary(max_size=8))
def test_not_6_garbage_is_refused_never_an_accident(garbage: bytes, at: int, value: bytes) -> None:
    for content in (garbage, b"RIFF" + garbage, _changed(at, value)):
        with contextlib.suppress(InvalidArgument):
            assert check_recording(content).duration_ms > 0


def create(club: Club, request_id: str = "", **values: Any) -> pb.CreateTemplateRequest:
    text = {
        "channel": "Email",
        "display_name": "One",
        "subject": "Hi",
        "body": "{{ first_name }}",
        "placeholders": PROMISED,
    }
    return pb.CreateTemplateRequest(
        parent=club.enterprise, template=pb.Template(**{**text, **values}), request_id=request_id or str(uuid4())
    )


def test_all_3_the_same_request_makes_one_template(club: Club, templates: Any) -> None:
    request = create(club)
    assert templates.CreateTemplate(request) == templates.CreateTemplate(request)
    listed = templates.ListTemplates(pb.ListTemplatesRequest(parent=club.enterprise))
    assert [one.display_name for one in listed.templates] == ["One"]


def test_not_3_the_door_names_the_placeholder(club: Club, templates: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        templates.CreateTemplate(create(club, body="{{ amount }}"))
    assert "amount" in caught.value.violations[0].description
    assert caught.value.reason == "INVALID_TEMPLATE"


def test_not_6_a_recording_is_played_back_as_it_came(club: Club, templates: Any) -> None:
    recording = wav(2)
    made = templates.CreateTemplate(
        create(club, channel="Phone", subject="", body="", placeholders=[], audio=recording)
    )
    assert (made.audio_duration_ms, made.audio) == (2000, b"")
    played = templates.GetTemplateAudio(pb.GetTemplateAudioRequest(name=made.name))
    assert (played.audio, played.duration_ms) == (recording, 2000)


def test_a_template_without_a_recording_has_none_to_play(club: Club, templates: Any) -> None:
    made = templates.CreateTemplate(create(club))
    assert templates.GetTemplate(pb.GetTemplateRequest(name=made.name)) == made
    with pytest.raises(NotFound):
        templates.GetTemplateAudio(pb.GetTemplateAudioRequest(name=made.name))
    with pytest.raises(NotFound):
        templates.GetTemplate(pb.GetTemplateRequest(name=f"{club.enterprise}/templates/{uuid4()}"))


def test_all_3_templates_are_paged(club: Club, templates: Any) -> None:
    for number in range(5):
        templates.CreateTemplate(create(club, display_name=str(number)))
    names, token = [], ""
    while True:
        page = templates.ListTemplates(pb.ListTemplatesRequest(parent=club.enterprise, page_size=2, page_token=token))
        names += [one.display_name for one in page.templates]
        token = page.next_page_token
        if not token:
            break
    assert names == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("below", ["x", "enterprises/zzz", "{}/businessUnits/0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f"])
def test_all_3_a_template_belongs_to_an_enterprise(club: Club, templates: Any, below: str) -> None:
    request = create(club)
    request.parent = below.format(club.enterprise)
    with pytest.raises(InvalidArgument) as caught:
        templates.CreateTemplate(request)
    assert [found.field for found in caught.value.violations] == ["parent"]
    assert not templates.ListTemplates(pb.ListTemplatesRequest(parent=club.enterprise)).templates
