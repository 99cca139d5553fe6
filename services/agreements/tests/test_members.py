"""Members, contacts and their marks (SPEC ARM-8, ARM-9)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_club import ENTERPRISE, Club, add_unit, fact_event, record
from boss.agreements.v1 import member_service_pb2 as pb
from boss.events.arm.v1 import arm_events_pb2
from boss.events.notifications.v1 import notifications_events_pb2
from boss.platform.v1 import timeline_service_pb2

from boss_agreements.members.rules import Contact, Member, choose_for_arm
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.ids import derived_id


def contact(club: Club, label: str, external_id: str = "M1") -> str:
    member_id = UUID(club.member_name(external_id).rpartition("/")[2])
    return f"{club.member_name(external_id)}/contacts/{derived_id(member_id, 'contact', label)}"


def get(club: Club, external_id: str = "M1") -> Any:
    return club.members.GetMember(pb.GetMemberRequest(name=club.member_name(external_id)))


def invalid(member: Any) -> list[str]:
    return [one.label for one in member.contacts if one.invalid]


def chosen(member: Any) -> list[str]:
    return [one.label for one in member.contacts if one.arm_purpose]


def bounce(club: Club, name: str, text: str = "2026-01-05", **envelope: Any) -> None:
    fact = notifications_events_pb2.ContactInvalidated(
        contact=name, member=name.partition("/contacts/")[0], channel="Email", reason="Bounce"
    )
    club.feed(fact_event("notifications", fact, club.account_id(), text, **envelope))


def open_cycle(club: Club, *names: str) -> None:
    fact = arm_events_pb2.CycleOpened(cycle="cycle", member=club.member_name(), contacts=names)
    club.feed(fact_event("arm", fact, club.account_id(), "2026-01-05"))


def test_a_contact_a_provider_found_invalid_is_marked_and_told_once(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    bounce(club, contact(club, "email"), correlation="story-1")
    bounce(club, contact(club, "email"))
    ((event, fact),) = club.facts()
    assert (event.version, event.correlation, event.business_date.day) == (2, "story-1", 5)
    assert [one.label for one in fact.contacts if one.invalid] == ["email"]
    assert invalid(get(club)) == ["email"]
    request = timeline_service_pb2.ListTimelineEntriesRequest(parent=f"{club.unit}/accounts/{club.account_id()}")
    story = [one.text for one in club.timeline.ListTimelineEntries(request).timeline_entries]
    assert story[1:] == ["The contact email was marked invalid: Bounce."]


def test_arm_9_a_provider_never_marks_an_address(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    bounce(club, contact(club, "address"))
    assert (invalid(get(club)), club.facts(), club.parked()) == ([], [], [])


def test_a_contact_of_a_member_nobody_knows_is_no_error(club: Club) -> None:
    bounce(club, f"{club.unit}/members/{uuid4()}/contacts/{uuid4()}")
    assert club.parked() == []


def test_arm_9_staff_mark_and_clear_any_contact_addresses_too(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    name = contact(club, "address")
    marked = club.members.InvalidateContact(pb.InvalidateContactRequest(name=name, request_id=str(uuid4())))
    assert invalid(marked) == ["address"]
    again = club.members.InvalidateContact(pb.InvalidateContactRequest(name=name, request_id=str(uuid4())))
    assert again == marked
    cleared = club.members.RevalidateContact(pb.RevalidateContactRequest(name=name, request_id=str(uuid4())))
    assert invalid(cleared) == []
    assert [event.version for event, _ in club.facts()] == [2, 3]
    assert int(cleared.etag) == 3


@pytest.mark.parametrize("name", ["members/{other}/contacts/{contact}", "members/{member}/contacts/{other}"])
def test_a_contact_that_is_not_there_is_not_found(club: Club, name: str) -> None:
    club.import_records(record(1))
    member, _, own = contact(club, "email").partition("/contacts/")
    full = f"{club.unit}/" + name.format(other=uuid4(), contact=own, member=member.rpartition("/")[2])
    with pytest.raises(NotFound):
        club.members.InvalidateContact(pb.InvalidateContactRequest(name=full, request_id=str(uuid4())))


def test_a_member_is_not_found_under_the_name_of_another_unit(club: Club) -> None:
    club.import_records(record(1))
    other = add_unit(club, "Austin Club", "America/Chicago").name
    name = club.member_name().replace(club.unit, other)
    with pytest.raises(NotFound):
        club.members.GetMember(pb.GetMemberRequest(name=name))
    with pytest.raises(NotFound):
        contact_name = contact(club, "email").replace(club.unit, other)
        club.members.InvalidateContact(pb.InvalidateContactRequest(name=contact_name, request_id=str(uuid4())))


def test_arm_8_a_cycle_gives_its_contacts_the_arm_purpose_one_per_type(club: Club) -> None:
    club.import_records(record(1))
    club.facts()
    open_cycle(club, contact(club, "email"), contact(club, "cell"), contact(club, "address"))
    ((event, fact),) = club.facts()
    assert event.version == 2
    assert [one.label for one in fact.contacts if one.arm_purpose] == ["email", "cell", "address"]
    open_cycle(club, contact(club, "email"), contact(club, "home"))
    assert chosen(get(club)) == ["email", "home", "address"]
    club.facts()
    open_cycle(club, contact(club, "email"), contact(club, "home"))
    assert club.facts() == [], "what is so already is no news"


def test_a_cycle_that_closes_changes_nothing(club: Club) -> None:
    club.import_records(record(1))
    open_cycle(club, contact(club, "email"))
    club.facts()
    club.feed(fact_event("arm", arm_events_pb2.CycleClosed(cycle="cycle"), club.account_id(), "2026-01-06"))
    assert (club.facts(), club.parked(), chosen(get(club))) == ([], [], ["email"])


def test_arm_8_a_contact_chosen_by_hand_stays_chosen() -> None:
    from datetime import UTC, date, datetime

    ids = [UUID(int=number) for number in range(3)]
    by_hand = Contact(ids[1], "home", "+18106057421", (), primary=False, arm_purpose=True, arm_purpose_by_hand=True)
    contacts = (
        Contact(ids[0], "cell", "+16585102323", (), primary=True),
        by_hand,
        Contact(ids[2], "email", "chloe@example.com", (), primary=True),
    )
    member = Member(
        UUID(int=9), UUID(int=8), UUID(int=7), "M1", UUID(int=6), "Chloé", "Khan", date(1995, 12, 5), "America/Denver",
        False, False, "", 1, datetime(2026, 1, 1, tzinfo=UTC), contacts,
    )  # fmt: skip
    after = choose_for_arm(member, frozenset(ids))
    assert [one.label for one in after.contacts if one.arm_purpose] == ["home", "email"]


def test_members_are_listed_by_their_external_ids_page_by_page(club: Club) -> None:
    add_unit(club, "Austin Club", "America/Chicago")
    club.import_records(
        *[record(number, external_id=f"M{number}") for number in range(5)],
        record(9, external_id="M9", business_unit="Austin Club"),
    )
    found, token = [], ""
    while True:
        page = club.members.ListMembers(pb.ListMembersRequest(parent=club.unit, page_size=2, page_token=token))
        found.append([one.external_id for one in page.members])
        token = page.next_page_token
        if not token:
            break
    assert found == [["M0", "M1"], ["M2", "M3"], ["M4"]]
    everywhere = club.members.ListMembers(pb.ListMembersRequest(parent=ENTERPRISE)).members
    assert [one.external_id for one in everywhere] == ["M0", "M1", "M2", "M3", "M4", "M9"]
    (one,) = club.members.ListMembers(pb.ListMembersRequest(parent=ENTERPRISE, external_id="M9")).members
    assert one.external_id == "M9"


@pytest.mark.parametrize("token", ["x", "bm9uc2Vuc2U", "WyJ4Il0"])
def test_a_made_up_page_token_is_bad_input(club: Club, token: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        club.members.ListMembers(pb.ListMembersRequest(parent=ENTERPRISE, page_token=token))
