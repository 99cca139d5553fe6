"""Members made and changed by staff: profiles, contacts, duplicates, and what a person is to the club."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_club import ENTERPRISE, ENTERPRISE_ID, Club, add_unit, day, fact_event, record
from boss.agreements.v1 import member_service_pb2 as pb
from boss.agreements.v1 import setting_service_pb2 as settings_pb
from boss.agreements.v1 import setting_service_pb2_grpc as settings_grpc
from boss.events.arm.v1 import arm_events_pb2
from boss.events.billing.v1 import billing_events_pb2
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.member_statuses.rules import (
    CUSTOMER,
    MEMBER,
    PROSPECT,
    RECENT_MEMBER,
    Signed,
    status_of,
)
from boss_agreements.members.process import account_process
from boss_agreements.members.registration import OPEN_ACCOUNT_TASK
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.errors import Aborted, AlreadyExists, InvalidArgument, NotFound, Transient
from boss_kit.ids import derived_id, new_id
from boss_kit.tasks import Task

EMAIL = {"label": "email", "value": "ana@example.com"}
CELL = {"label": "cell", "value": "(303) 555-0142"}
HOME = {"label": "home", "value": "(303) 555-0199"}
ADDRESS = {"label": "address", "address_lines": ["1 Park St", "Denver, CO 80202"]}
TODAY = date(2026, 6, 15)


def contacts(*ways: dict[str, Any]) -> list[pb.Contact]:
    return [pb.Contact(**way) for way in ways]


def create(club: Club, *ways: dict[str, Any], allow: bool = False, request_id: str = "", **values: Any) -> Any:
    usual = {"first_name": "Ana", "last_name": "Silva", "birth_date": day("1990-05-17"), "contacts": contacts(*ways)}
    request = pb.CreateMemberRequest(
        parent=club.unit,
        member=pb.Member(**(usual | values)),
        allow_duplicates=allow,
        request_id=request_id or str(uuid4()),
    )
    return club.members.CreateMember(request)


def update(club: Club, member: pb.Member, **values: Any) -> Any:
    asked = pb.Member()
    asked.CopyFrom(member)
    for name in values:
        asked.ClearField(name)
    asked.MergeFrom(pb.Member(**values))
    return club.members.UpdateMember(pb.UpdateMemberRequest(member=asked, request_id=str(uuid4())))


def get(club: Club, name: str) -> pb.Member:
    return club.members.GetMember(pb.GetMemberRequest(name=name))


def decide(club: Club, key: str, value: str) -> None:
    stub = club.server.stub(settings_grpc.SettingServiceStub)
    stub.UpdateSetting(
        settings_pb.UpdateSettingRequest(parent=club.unit, key=key, value=value, request_id=str(uuid4()))
    )


def test_agr_5_a_member_is_made_with_a_profile_and_published(club: Club) -> None:
    made = create(
        club,
        EMAIL | {"purposes": ["Billing", "Notices"]},
        CELL,
        ADDRESS,
        notes="Prefers mornings",
        sms_opt_out=True,
        email_opt_out=True,
        preferred_channel="letter",
    )
    assert made.external_id.isdigit()
    assert (made.time_zone, made.notes, made.preferred_channel) == ("America/Denver", "Prefers mornings", "letter")
    assert [(one.label, one.value, one.primary) for one in made.contacts] == [
        ("email", "ana@example.com", True),
        ("cell", "+13035550142", True),
        ("address", "", True),
    ]
    assert list(made.contacts[0].purposes) == ["Billing", "Notices"]
    assert get(club, made.name) == made
    ((event, fact),) = club.facts()
    assert (event.version, fact.member, fact.account) == (1, made.name, made.account)
    assert (fact.sms_opt_out, fact.email_opt_out, fact.preferred_channel) == (True, True, "letter")
    assert [one.value for one in fact.contacts] == ["ana@example.com", "+13035550142", ""]
    assert list(fact.contacts[0].purposes) == ["Billing", "Notices"]


def test_not_4_an_unsubscribe_from_email_is_published_when_it_is_entered_and_when_it_is_taken_back(club: Club) -> None:
    made = create(club, EMAIL)
    club.facts()
    for opted_out in (True, False):
        made = update(club, made, email_opt_out=opted_out)
        ((event, fact),) = club.facts()
        assert (fact.member, fact.email_opt_out, event.version) == (made.name, opted_out, int(made.etag))


def test_agr_5_the_same_request_again_makes_one_member(club: Club) -> None:
    request_id = str(uuid4())
    assert create(club, EMAIL, request_id=request_id) == create(club, EMAIL, request_id=request_id)


def test_a_new_member_skips_numbers_that_a_clubs_file_has_used(club: Club) -> None:
    first = create(club)
    club.import_records(record(1, external_id=str(int(first.external_id) + 1), email="", cell_phone="", home_phone=""))
    assert int(create(club, allow=True).external_id) == int(first.external_id) + 2


def test_agr_5_a_number_is_taken_once(club: Club) -> None:
    create(club, external_id="A7")
    with pytest.raises(AlreadyExists, match="another number"):
        create(club, external_id="A7", first_name="Bo")


@pytest.mark.parametrize(
    ("first_ways", "ways", "values"),
    [
        ([], [], {}),
        ([], [], {"first_name": "ANA", "last_name": "silva"}),
        ([EMAIL], [EMAIL], {"first_name": "Bo"}),
        ([CELL], [{"label": "home", "value": "303-555-0142"}], {"first_name": "Bo"}),
    ],
)
def test_agr_5_a_duplicate_is_refused_with_its_candidates_unless_allowed(
    club: Club, first_ways: list[dict[str, Any]], ways: list[dict[str, Any]], values: dict[str, Any]
) -> None:
    known = create(club, *first_ways)
    with pytest.raises(AlreadyExists, match=known.external_id) as refused:
        create(club, *ways, **values)
    assert refused.value.reason == "DUPLICATE_MEMBER"
    assert refused.value.metadata["candidates"] == known.name
    assert create(club, *ways, allow=True, **values).name != known.name


@pytest.mark.parametrize("alike", ["name and birth date", "email"])
def test_agr_5_desks_that_enter_the_same_person_at_once_make_one_member(club: Club, alike: str) -> None:
    def enter(desk: int) -> str:
        try:
            return str(create(club, EMAIL, first_name=f"Ana {desk}").name if alike == "email" else create(club).name)
        except AlreadyExists as refused:
            return refused.reason

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(enter, range(8)))
    (made,) = club.members.ListMembers(pb.ListMembersRequest(parent=club.unit)).members
    assert sorted(answers) == sorted([made.name, *["DUPLICATE_MEMBER"] * 7])


@pytest.mark.parametrize(
    ("ways", "values"),
    [
        ([], {"birth_date": day("1990-05-18")}),
        ([], {"first_name": "Anna"}),
        ([], {"birth_date": None}),
        ([ADDRESS], {"last_name": "Souza"}),
    ],
)
def test_agr_5_somebody_alike_is_no_duplicate(club: Club, ways: list[dict[str, Any]], values: dict[str, Any]) -> None:
    create(club, EMAIL, ADDRESS)
    assert create(club, *ways, **values).name


@pytest.mark.parametrize(
    ("ways", "values", "field"),
    [
        ([], {"first_name": " "}, "member.first_name"),
        ([], {"last_name": ""}, "member.last_name"),
        ([], {"birth_date": day("2026-01-02")}, "member.birth_date"),
        ([], {"time_zone": "Mars/Olympus"}, "member.time_zone"),
        ([], {"preferred_channel": "pigeon"}, "member.preferred_channel"),
        ([EMAIL | {"value": "nobody"}], {}, "member.contacts[0].value"),
        ([EMAIL | {"label": "fax"}], {}, "member.contacts[0].label"),
        ([EMAIL | {"purposes": ["Fun"]}], {}, "member.contacts[0].purposes"),
        ([EMAIL, EMAIL], {}, "member.contacts"),
        ([CELL | {"primary": True}, HOME | {"primary": True}], {}, "member.contacts"),
        ([CELL | {"arm_purpose": True}, HOME | {"arm_purpose": True}], {}, "member.contacts"),
        ([{"label": "address"}], {}, "member.contacts[0].address_lines"),
        ([{"label": "cell"}], {}, "member.contacts[0].value"),
    ],
)
def test_agr_5_a_profile_that_cannot_be_is_refused_with_its_field(
    club: Club, ways: list[dict[str, Any]], values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        create(club, *ways, **values)
    assert [one.field for one in refused.value.violations] == [field]
    assert not club.members.ListMembers(pb.ListMembersRequest(parent=club.unit)).members


def test_agr_5_an_organization_has_a_name_only(club: Club) -> None:
    decide(club, "required_member_fields", "birth_date")
    acme = create(club, EMAIL, organization=True, first_name="", last_name="Acme Corp", birth_date=None)
    assert (acme.organization, acme.last_name, get(club, acme.name)) == (True, "Acme Corp", acme)
    with pytest.raises(AlreadyExists, match=acme.external_id):
        create(club, organization=True, first_name="", last_name="ACME Corp", birth_date=None)
    for values, field in (
        ({"first_name": "Ana"}, "member.first_name"),
        ({"first_name": "", "birth_date": day("1990-05-17")}, "member.birth_date"),
        ({"first_name": "", "last_name": ""}, "member.last_name"),
    ):
        with pytest.raises(InvalidArgument, match=field):
            create(club, organization=True, **({"birth_date": None} | values))


def test_agr_5_a_unit_may_require_more_of_a_new_member(club: Club) -> None:
    decide(club, "required_member_fields", "birth_date, email")
    with pytest.raises(InvalidArgument, match="requires an email address"):
        create(club, CELL)
    assert create(club, EMAIL).name


def test_agr_5_a_profile_is_replaced_from_its_newest_state_and_published(club: Club) -> None:
    made = create(club, EMAIL, CELL)
    club.facts()
    changed = update(club, made, last_name="Costa", contacts=contacts(CELL, HOME | {"primary": True}))
    assert [(one.label, one.primary) for one in changed.contacts] == [("cell", False), ("home", True)]
    ((event, fact),) = club.facts()
    assert (event.version, fact.last_name, len(fact.contacts)) == (2, "Costa", 2)
    assert update(club, changed) == changed, "nothing changed"
    with pytest.raises(Aborted, match="read it again"):
        update(club, made, last_name="Other")
    with pytest.raises(InvalidArgument, match="external_id"):
        update(club, changed, external_id="Other")
    with pytest.raises(NotFound):
        update(club, changed, name=f"{club.unit}/members/{uuid4()}")


def test_agr_5_an_invalid_mark_stays_with_the_contact_and_goes_with_a_new_value(club: Club) -> None:
    made = create(club, EMAIL, CELL)
    email = made.contacts[0].name
    marked = club.members.InvalidateContact(pb.InvalidateContactRequest(name=email, request_id=str(uuid4())))
    same = update(club, marked, notes="Called")
    assert same.contacts[0].invalid
    other = update(club, same, contacts=contacts(EMAIL | {"value": "new@example.com"}, CELL))
    assert not other.contacts[0].invalid


def opened(club: Club, member: pb.Member, *names: str) -> Any:
    fact = arm_events_pb2.CycleOpened(cycle="c", account=member.account, contacts=names)
    return fact_event("arm", fact, UUID(member.account.rpartition("/")[2]), "2026-01-02")


def test_arm_8_a_contact_chosen_by_hand_keeps_the_purpose(club: Club) -> None:
    made = create(club, CELL, HOME, EMAIL)
    email, cell, home = (one.name for one in made.contacts)
    chosen = club.members.ChooseArmContact(pb.ChooseArmContactRequest(name=home, request_id=str(uuid4())))
    club.feed(opened(club, made, email, cell))
    marks = {one.label: (one.arm_purpose, one.arm_purpose_by_hand) for one in get(club, made.name).contacts}
    assert marks == {"email": (True, False), "cell": (False, False), "home": (True, True)}
    again = update(club, get(club, made.name), notes="Called")
    assert {one.label: (one.arm_purpose, one.arm_purpose_by_hand) for one in again.contacts} == marks
    assert int(chosen.etag) == 2
    with pytest.raises(NotFound):
        club.members.ChooseArmContact(
            pb.ChooseArmContactRequest(name=f"{made.name}/contacts/{uuid4()}", request_id=str(uuid4()))
        )


def test_arm_8_a_profile_may_choose_by_hand_and_give_the_choice_back(club: Club) -> None:
    made = create(club, CELL, HOME | {"arm_purpose": True})
    assert [(one.arm_purpose, one.arm_purpose_by_hand) for one in made.contacts] == [(False, False), (True, True)]
    free = update(club, made, contacts=contacts(CELL, HOME))
    club.feed(opened(club, free, free.contacts[0].name))
    assert [one.arm_purpose for one in get(club, made.name).contacts] == [True, False]


class Billing:
    """Answers as billing would."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.opened: list[tuple[Any, ...]] = []

    def create_account(self, *asked: Any) -> None:
        if self.error is not None:
            raise self.error
        self.opened.append(asked)


def the_task(club: Club) -> Task:
    with club.units.engine.connect() as connection:
        row = connection.execute(schema.task.select().where(schema.task.c.name == OPEN_ACCOUNT_TASK)).one()
    return Task(new_id(), ENTERPRISE_ID, row.name, row.key, row.args, row.business_date, 1, Context(ENTERPRISE_ID))


def test_agr_5_a_new_members_account_is_opened_in_billing_after_the_commit(club: Club) -> None:
    made = create(club)
    billing = Billing()
    account_process(billing)(the_task(club))
    unit_id, account_id = (UUID(name.rpartition("/")[2]) for name in (club.unit, made.account))
    assert billing.opened == [(ENTERPRISE_ID, unit_id, account_id, made.external_id)]
    account_process(Billing(AlreadyExists("ACCOUNT_EXISTS", "there")))(the_task(club))
    with pytest.raises(Transient):
        account_process(Billing(NotFound("BUSINESS_UNIT_NOT_FOUND", "not yet")))(the_task(club))


def test_agr_5_a_member_may_share_the_account_of_another(club: Club) -> None:
    first = create(club)
    second = create(club, first_name="Bo", account=first.account)
    assert second.account == first.account
    the_task(club)
    with pytest.raises(InvalidArgument, match="account"):
        create(club, first_name="Cy", account=f"{club.unit}/accounts/{uuid4()}")


def test_members_are_found_by_name_email_and_phone(club: Club) -> None:
    ana = create(club, EMAIL, CELL)
    bo = create(club, HOME, first_name="Bo")

    def search(**values: str) -> list[str]:
        found = club.members.SearchMembers(pb.SearchMembersRequest(parent=ENTERPRISE, **values)).members
        return [one.name for one in found]

    assert search(display_name="silv") == [ana.name, bo.name]
    assert search(display_name="Ana Sil") == [ana.name]
    assert search(email="ANA@example.com") == [ana.name]
    assert search(phone="303 555 0199") == [bo.name]
    assert search(display_name="Bo", email="ana@example.com") == []
    assert search(display_name="%") == []
    with pytest.raises(InvalidArgument, match="display_name"):
        search()


def signed(number: str = "M1", status: str = "Active", *, qualifies: bool = True, last: date | None = None) -> Signed:
    return Signed(number, "Gold", status, qualifies, last)


@pytest.mark.parametrize(
    ("agreements", "status", "words"),
    [
        ([], PROSPECT, "nothing yet"),
        ([signed()], MEMBER, "M1"),
        ([signed(status="Freeze")], MEMBER, "suspended is still a Member"),
        ([signed(status="Hold")], MEMBER, "suspended is still a Member"),
        ([signed(status="Pending Start")], MEMBER, "Pending Start"),
        ([signed(qualifies=False)], CUSTOMER, "M1"),
        ([signed(status="Expired", last=date(2026, 3, 16))], RECENT_MEMBER, "2026-03-16"),
        ([signed(status="Cancelled", last=date(2026, 3, 16))], RECENT_MEMBER, "recent until 2026-06-16"),
        ([signed(status="Expired", last=date(2026, 3, 15))], CUSTOMER, "Expired"),
        ([signed(status="Expired", qualifies=False, last=date(2026, 6, 1))], CUSTOMER, "M1"),
        ([signed(status="Expired", last=date(2026, 6, 1)), signed("M2", qualifies=False)], RECENT_MEMBER, "M1"),
        ([signed(status="Expired", last=date(2026, 6, 1)), signed("M2")], MEMBER, "M2"),
        ([signed("M1", "Freeze"), signed("M2")], MEMBER, "M2"),
    ],
)
def test_agr_5_a_persons_status_is_derived_with_its_reason(agreements: list[Signed], status: str, words: str) -> None:
    found = status_of(agreements, TODAY, 3)
    assert found.status == status
    assert words in found.reason


ANY_SIGNED = st.builds(
    signed,
    st.sampled_from(["M1", "M2"]),
    st.sampled_from(["Active", "Freeze", "Hold", "Pending Start", "Expired", "Cancelled"]),
    qualifies=st.booleans(),
    last=st.none() | st.dates(date(2025, 1, 1), TODAY),
)
ORDER = [MEMBER, RECENT_MEMBER, CUSTOMER, PROSPECT]


@given(st.lists(ANY_SIGNED, max_size=4), ANY_SIGNED)
def test_agr_5_one_more_agreement_never_makes_less_of_a_person(known: list[Signed], more: Signed) -> None:
    before, after = (status_of(agreements, TODAY, 3).status for agreements in (known, [*known, more]))
    assert ORDER.index(after) <= ORDER.index(before)


def test_agr_5_who_bought_something_without_an_agreement_is_a_customer(club: Club) -> None:
    made, other = create(club), create(club, first_name="Bo")

    def invoiced(member: pb.Member, agreement: str) -> Any:
        fact = billing_events_pb2.InvoiceCreated(account=member.account, agreement=agreement)
        return fact_event("billing", fact, UUID(member.account.rpartition("/")[2]), "2026-01-02")

    club.feed(invoiced(other, f"{club.unit}/agreements/{uuid4()}"))
    club.feed(invoiced(made, ""))
    club.feed(invoiced(made, ""))
    assert (get(club, made.name).status, get(club, other.name).status) == (CUSTOMER, PROSPECT)
    assert "2026-01-02" in get(club, made.name).status_reason
    assert status_of([signed()], TODAY, 3, TODAY).status == MEMBER
    assert not club.parked()


def test_agr_5_months_of_recent_are_the_units(club: Club) -> None:
    add_unit(club, "Austin Club", "America/Chicago")
    assert create(club).status == PROSPECT
    club.import_records(
        record(1, term="fixed_12", start_date="2025-01-10", email="", cell_phone="", home_phone=""),
        record(2, external_id="M2", email="b@example.com", cell_phone="", home_phone="", agreement_type="Service"),
    )
    club.run_day("2026-02-01")
    imported = get(club, club.member_name())
    assert (imported.status, "2026-01-09" in imported.status_reason) == (RECENT_MEMBER, True)
    assert get(club, club.member_name("M2")).status == CUSTOMER
    decide(club, "recent_member_months", "0")
    assert get(club, club.member_name()).status == CUSTOMER
    club.import_records(record(3, external_id="M3", email="c@example.com", cell_phone="", home_phone=""))
    listed = club.members.ListMembers(pb.ListMembersRequest(parent=ENTERPRISE)).members
    assert {one.external_id: one.status for one in listed if one.external_id.startswith("M")} == {
        "M1": CUSTOMER,
        "M2": CUSTOMER,
        "M3": MEMBER,
    }


def test_ids_of_new_members_follow_from_their_numbers_as_an_imports_do(club: Club) -> None:
    made = create(club, external_id="A7")
    assert made.name == f"{club.unit}/members/{derived_id(ENTERPRISE_ID, 'member', 'A7')}"
    assert made.account == f"{club.unit}/accounts/{derived_id(ENTERPRISE_ID, 'account', 'A7')}"
