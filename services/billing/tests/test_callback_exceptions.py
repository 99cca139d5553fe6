"""What doesn't fit is listed and resolved by a person, never adjusted silently (SPEC BIL-8)."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc
from callback_calls import PARENT, billed
from club import Club, ref, request_id

from boss_billing import events
from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.rules import CallbackState, RefundCallback, Resolution, fit_refund
from boss_billing.refunds.rules import Destination, Refund, RefundState
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from boss_kit.money import Money


def differing(club: Club, amount_minor: int, **changes: Any) -> Any:
    """Bill 35.00 and report another amount."""
    (found,) = billed(club, "M1")
    told = replace(found, amount=Money(amount_minor, "USD"), **changes)
    assert club.report(told).unmatched == 1
    assert club.one("SELECT state FROM payment") == "pending"
    return told


def resolve(club: Club, told: Any, resolution: Resolution) -> None:
    with club.units.begin(club.context()) as tx:
        resolve_callback(tx, ResolveCallback("payment_result", told.callback_id, resolution, "asked by phone"))


@pytest.mark.parametrize(("amount_minor", "owed_minor", "credit_minor"), [(3000, 500, 0), (4000, 0, 500)])
def test_bil_8_an_amount_taken_as_reported_moves_what_really_moved(
    club: Club, amount_minor: int, owed_minor: int, credit_minor: int
) -> None:
    resolve(club, differing(club, amount_minor), Resolution.AS_REPORTED)
    assert club.one("SELECT state, amount_minor FROM payment") == ("approved", amount_minor)
    assert club.one("SELECT amount_minor FROM attempt") == 3500
    assert club.one("SELECT balance_minor FROM invoice") == owed_minor
    assert club.one("SELECT credit_minor FROM account") == credit_minor
    club.assert_books()


def test_bil_8_an_amount_taken_as_submitted_pays_the_invoice(club: Club) -> None:
    resolve(club, differing(club, 3000), Resolution.AS_SUBMITTED)
    assert club.one("SELECT state, amount_minor FROM payment") == ("approved", 3500)
    assert club.one("SELECT balance_minor FROM invoice") == 0
    club.assert_books()


def test_bil_8_a_decline_about_another_amount_moves_nothing_however_it_is_taken(club: Club) -> None:
    resolve(club, differing(club, 3000, code="D03"), Resolution.AS_REPORTED)
    assert club.one("SELECT state, amount_minor FROM payment") == ("finally_declined", 3500)
    assert len(club.facts(events.PAYMENT_DECLINED)) == 1


def test_bil_8_a_dismissed_exception_leaves_the_payment_to_its_real_result(club: Club) -> None:
    told = differing(club, 3000)
    resolve(club, told, Resolution.DISMISSED)
    assert club.one("SELECT state FROM payment") == "pending"
    assert club.report(replace(told, callback_id="real", amount=Money(3500, "USD"))).applied == 1
    row = club.one(
        "SELECT state, resolution, resolution_comment, resolved_by FROM callback WHERE callback_id <> 'real'"
    )
    assert row == ("resolved", "dismissed", "asked by phone", "SYS")


def test_bil_8_an_exception_is_resolved_once(club: Club) -> None:
    told = differing(club, 3000)
    resolve(club, told, Resolution.AS_SUBMITTED)
    with pytest.raises(FailedPrecondition, match="only unmatched ones and exceptions"):
        resolve(club, told, Resolution.AS_REPORTED)
    assert len(club.facts(events.PAYMENT_APPROVED)) == 1


def test_bil_8_a_second_result_can_only_be_dismissed(club: Club) -> None:
    (found,) = billed(club, "M1")
    club.report(found)
    late = replace(found, callback_id="late", code="D03")
    club.report(late)
    with pytest.raises(FailedPrecondition, match="approved already"):
        resolve(club, late, Resolution.AS_SUBMITTED)
    resolve(club, late, Resolution.DISMISSED)
    assert club.one("SELECT state FROM payment") == "approved"


def test_bil_8_another_currency_cannot_be_taken_as_reported(club: Club) -> None:
    (found,) = billed(club, "M1")
    told = replace(found, amount=Money(3500, "EUR"))
    club.report(told)
    with pytest.raises(FailedPrecondition, match="EUR can't be taken"):
        resolve(club, told, Resolution.AS_REPORTED)


def test_bil_8_an_answer_of_the_card_updater_as_a_payments_result_pays_nothing_and_can_only_be_dismissed(
    club: Club,
) -> None:
    (found,) = billed(club, "M1")
    told = replace(found, code="A04", message="No update available")
    assert club.report(told).unmatched == 1
    for resolution in (Resolution.AS_REPORTED, Resolution.AS_SUBMITTED):
        with pytest.raises(FailedPrecondition, match="card updater"):
            resolve(club, told, resolution)
    resolve(club, told, Resolution.DISMISSED)
    assert club.one("SELECT state FROM payment") == "pending"
    assert club.one("SELECT balance_minor FROM invoice") == 3500


def test_bil_8_a_partial_approval_that_does_not_say_how_much_is_an_exception_and_one_that_does_counts(
    club: Club,
) -> None:
    first, second = billed(club, "M1", "M2")
    told = replace(first, code="A05", amount=None)
    assert club.report(told).unmatched == 1
    assert club.report(replace(second, code="A05")).applied == 1
    with pytest.raises(FailedPrecondition, match="no amount can't be taken"):
        resolve(club, told, Resolution.AS_REPORTED)
    resolve(club, told, Resolution.AS_SUBMITTED)
    assert club.one("SELECT DISTINCT state FROM payment") == "approved"
    club.assert_books()


@pytest.mark.parametrize("code", ["A04", "A05"])
def test_bil_8_a_refunds_result_that_says_nothing_of_its_money_is_an_exception(code: str) -> None:
    refund = Refund(
        uuid4(), ref("M1"), Destination.FUNDING_SOURCE, uuid4(), "VISA", "tok_M1", 500, "USD", RefundState.PENDING
    )
    told = RefundCallback("r1", str(refund.id), "t1", code, "", None)
    assert fit_refund(told, refund).state is CallbackState.EXCEPTION
    assert fit_refund(replace(told, code="A02"), refund).state is CallbackState.APPLIED


def test_bil_8_an_unmatched_callback_can_only_be_dismissed(club: Club) -> None:
    (found,) = billed(club, "M1")
    lost = replace(found, attempt_id=str(uuid4()))
    club.report(lost)
    with pytest.raises(FailedPrecondition, match="dismissed"):
        resolve(club, lost, Resolution.AS_SUBMITTED)
    resolve(club, lost, Resolution.DISMISSED)
    with pytest.raises(NotFound):
        resolve(club, replace(found, callback_id="nobody's"), Resolution.DISMISSED)


def test_bil_8_staff_list_and_resolve_exceptions_and_a_processor_cannot(club: Club, server: Any, tokens: Any) -> None:
    told = differing(club, 3000)

    def door(role: str) -> Any:
        token = tokens.token("anna", [role], [PARENT])
        return server.stub(processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub, token)

    listing = pb.ListUnmatchedCallbacksRequest(parent=PARENT, state=pb.UnmatchedCallback.STATE_EXCEPTION)
    (listed,) = door("controller").ListUnmatchedCallbacks(listing, timeout=5).unmatched_callbacks
    assert listed.payment.endswith(str(club.one("SELECT id FROM payment")))
    assert (listed.reported_amount.units, listed.submitted_amount.units, listed.code) == (30, 35, "A01")
    listing.state = pb.UnmatchedCallback.STATE_UNMATCHED
    assert not door("controller").ListUnmatchedCallbacks(listing, timeout=5).unmatched_callbacks

    resolving = pb.ResolveCallbackRequest(
        parent=PARENT,
        kind=listed.kind,
        callback_id=told.callback_id,
        resolution=pb.ResolveCallbackRequest.RESOLUTION_AS_REPORTED,
        comment="the bank's portal says 30.00",
        request_id=request_id(),
    )
    with pytest.raises(PermissionDenied):
        door("processor").ResolveCallback(resolving, timeout=5)
    for _ in range(2):
        door("club_manager").ResolveCallback(resolving, timeout=5)
    assert club.one("SELECT state, amount_minor FROM payment") == ("approved", 3000)
    assert club.one("SELECT resolved_by FROM callback") == "anna"
    resolving.request_id, resolving.kind = request_id(), "postcard"
    with pytest.raises(InvalidArgument, match="must be one of payment_result"):
        door("club_manager").ResolveCallback(resolving, timeout=5)
