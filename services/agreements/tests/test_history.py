"""The change history: kept for good, read by type, told by billing what happens to funding sources (SPEC AGR-10)."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from agreements_club import ENTERPRISE, ENTERPRISE_ID, Club, fact_event, iso, record
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import history_service_pb2 as pb
from boss.agreements.v1.history_service_pb2_grpc import HistoryServiceStub
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.history.commands import Change
from boss_agreements.history.commands import record as record_change
from boss_agreements.history.rules import SIGNATURE_TYPE, SUSPENSION
from boss_kit.context import Actor, Context
from boss_kit.errors import InvalidArgument

APPROVER = Actor("maria", "Club Manager", "Denver Downtown", "Office 1")
ANNA = Actor("anna", "Front Desk", "Denver West", "Desk 2", APPROVER)


def changes(club: Club, agreement: str, **asked: Any) -> Any:
    stub = club.server.stub(HistoryServiceStub)
    return stub.ListChanges(pb.ListChangesRequest(parent=agreement, **asked))


def note(club: Club, agreement: str, kind: str, summary: str, *notable: str) -> None:
    ids = agreement.split("/")
    with club.units.begin(Context(ENTERPRISE_ID, ANNA, correlation="story")) as tx:
        change = Change(ENTERPRISE_ID, UUID(ids[3]), UUID(ids[5]), date(2026, 1, 1), kind, summary, notable)
        record_change(tx, change)


def test_agr_10_changes_are_listed_newest_first_with_actor_and_approver(club: Club) -> None:
    club.import_records(record(1))
    name = club.agreement_name()
    for number in range(3):
        note(club, name, SUSPENSION if number else SIGNATURE_TYPE, f"Change {number}.", "Comments: Knee.")
    first = changes(club, name, page_size=2)
    rest = changes(club, name, page_size=2, page_token=first.next_page_token)
    assert [one.summary for one in (*first.changes, *rest.changes)] == ["Change 2.", "Change 1.", "Change 0."]
    newest = first.changes[0]
    assert (newest.changed_by.user, newest.changed_by.work_role) == ("anna", "Front Desk")
    assert (newest.changed_by.location, newest.changed_by.workstation) == ("Denver West", "Desk 2")
    assert (newest.approved_by.user, newest.approved_by.workstation) == ("maria", "Office 1")
    assert (iso(newest.business_date), list(newest.notable_changes)) == ("2026-01-01", ["Comments: Knee."])
    only = changes(club, name, change_type=SIGNATURE_TYPE)
    assert [one.summary for one in only.changes] == ["Change 0."]


def test_agr_10_a_type_there_is_not_is_refused_with_the_types_there_are(club: Club) -> None:
    with pytest.raises(InvalidArgument, match="Rewrite"):
        changes(club, f"{club.unit}/agreements/{ENTERPRISE_ID}", change_type="Renewal")


@pytest.mark.parametrize("statement", ["UPDATE agreement_change SET summary = ''", "DELETE FROM agreement_change"])
def test_agr_10_the_history_is_read_only_by_construction(club: Club, statement: str) -> None:
    note(club, f"{club.unit}/agreements/{ENTERPRISE_ID}", SUSPENSION, "Change.")
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), club.units.engine.begin() as connection:
        connection.execute(sa.text(statement))
    with pytest.raises(sa.exc.DatabaseError, match="append-only"), club.units.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE agreement_change"))


def _state(**values: Any) -> billing_events_pb2.FundingSourceState:
    usual = {
        "tender": "VISA",
        "last4": "1234",
        "expiry_month": 1,
        "expiry_year": 2026,
        "valid": True,
        "active": True,
        "recurring": True,
        "responsibility_percent": 100,
    }
    return billing_events_pb2.FundingSourceState(**usual | values)


def _changed(club: Club, version: int, **states: Any) -> Any:
    account = f"{club.unit}/accounts/{club.account_id()}"
    source = f"{account}/fundingSources/{ENTERPRISE_ID}"
    fact = billing_events_pb2.FundingSourceChanged(funding_source=source, account=account, **states)
    return fact_event(
        "billing", fact, club.account_id(), "2026-02-01", version=version, subject=source, actor=ANNA.to_json()
    )


def test_agr_10_a_changed_funding_source_is_recorded_once_on_each_agreement_it_pays_for(club: Club) -> None:
    club.import_records(record(1), record(2, external_id="M2"))
    event = _changed(club, 2, previous=_state(), current=_state(last4="9876", expiry_year=2029))
    club.feed(event)
    # The same state told again is no second change.
    club.feed(_changed(club, 2, previous=_state(), current=_state(last4="9876", expiry_year=2029)))
    (found,) = changes(club, club.agreement_name()).changes
    assert found.summary == (
        f"Agreement #{_number(club)} (Gold Monthly) funding source was changed from VISA ending in 1234 to VISA ending "
        "in 9876 by anna part of Front Desk at location Denver West on Desk 2 and approved by maria part of work role "
        "Club Manager at Denver Downtown on Office 1."
    )
    assert list(found.notable_changes) == [
        (
            "Old type Credit Card VISA with account number ending in 1234; "
            "New type Credit Card VISA with account number ending in 9876"
        ),
        "expiration date was changed from 01/2026 to 01/2029",
    ]
    assert (iso(found.business_date), found.change_type) == ("2026-02-01", "Funding Source")
    assert not changes(club, club.agreement_name("M2")).changes
    assert not club.parked()


def test_agr_10_a_new_funding_source_is_no_change_of_one(club: Club) -> None:
    club.import_records(record(1))
    club.feed(_changed(club, 1, current=_state()))
    club.feed(_changed(club, 2, previous=_state(), current=_state()))
    assert not changes(club, club.agreement_name()).changes
    assert not club.parked()


def test_bil_4_what_the_card_updater_says_is_in_the_history_even_when_nothing_changed(club: Club) -> None:
    club.import_records(record(1))
    club.feed(_changed(club, 2, previous=_state(), current=_state(), card_updater_outcome="closed"))
    (found,) = changes(club, club.agreement_name()).changes
    assert (found.change_type, list(found.notable_changes)) == ("Funding Source", ["Card updater: closed"])
    assert not club.parked()


def _number(club: Club) -> str:
    found = club.agreements.ListAgreements(agreements_pb.ListAgreementsRequest(parent=ENTERPRISE))
    return next(one.number for one in found.agreements if one.name == club.agreement_name())
