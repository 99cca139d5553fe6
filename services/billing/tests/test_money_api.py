"""The doors that move money, over real gRPC: names, approvers, limits, and what they refuse."""

from typing import Any

import pytest
from boss.billing.v1 import adjustment_service_pb2 as adjustment_pb
from boss.billing.v1 import adjustment_service_pb2_grpc as adjustment_grpc
from boss.billing.v1 import chargeback_service_pb2 as chargeback_pb
from boss.billing.v1 import chargeback_service_pb2_grpc as chargeback_grpc
from boss.billing.v1 import fee_service_pb2 as fee_pb
from boss.billing.v1 import fee_service_pb2_grpc as fee_grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb
from boss.billing.v1 import movement_service_pb2_grpc as movement_grpc
from boss.billing.v1 import refund_service_pb2 as refund_pb
from boss.billing.v1 import refund_service_pb2_grpc as refund_grpc
from boss.billing.v1 import write_off_service_pb2 as write_off_pb
from boss.billing.v1 import write_off_service_pb2_grpc as write_off_grpc
from boss.platform.v1 import timeline_service_pb2 as timeline_pb
from boss.platform.v1 import timeline_service_pb2_grpc as timeline_grpc
from club import DAY, ENTERPRISE_ID, Club, due, ref, request_id, unit_id, usd
from grpc import RpcError
from till import Till

from boss_billing.funding.rules import source_id
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
UNIT = f"{ENTERPRISE}/businessUnits/{unit_id()}"


def set_limit(server: Any, scope: str, amount_minor: int | None) -> Any:
    wanted = movement_pb.ApprovalLimit(scope=scope, limit=usd(amount_minor) if amount_minor is not None else None)
    request = movement_pb.UpdateApprovalLimitRequest(approval_limit=wanted, request_id=request_id())
    return server.stub(movement_grpc.MovementServiceStub).UpdateApprovalLimit(request, timeout=10)


def credit_request(amount_minor: int) -> Any:
    return adjustment_pb.CreateCreditRequest(
        parent=ref("M1").name, amount=usd(amount_minor), reason="goodwill", request_id=request_id()
    )


def test_bil_11_the_limit_says_which_level_it_comes_from(club: Club, server: Any) -> None:
    limits = server.stub(movement_grpc.MovementServiceStub)

    def get() -> Any:
        return limits.GetApprovalLimit(movement_pb.GetApprovalLimitRequest(scope=UNIT), timeout=10)

    assert (get().HasField("limit"), get().defined_at) == (False, "")
    set_limit(server, ENTERPRISE, 50_000)
    assert (get().limit, get().defined_at) == (usd(50_000), ENTERPRISE)
    set_limit(server, UNIT, 10_000)
    assert (get().limit, get().defined_at) == (usd(10_000), UNIT)
    assert set_limit(server, UNIT, None).defined_at == ENTERPRISE
    with pytest.raises(NotFound):
        set_limit(server, f"{ENTERPRISE}/businessUnits/{unit_id('Nowhere Club')}", 1)
    with pytest.raises(InvalidArgument, match="below zero"):
        set_limit(server, UNIT, -1)


def test_bil_11_a_second_persons_token_approves_and_only_one_who_may(
    club: Club, till: Till, server: Any, tokens: Any
) -> None:
    set_limit(server, UNIT, 10_000)
    anna = tokens.token("anna", ["club_manager"], [UNIT])
    stub = adjustment_grpc.AdjustmentServiceStub(server.plain)

    def call(approver: str = "") -> Any:
        metadata = [("authorization", f"Bearer {anna}")] + (
            [("boss-approval", f"Bearer {approver}")] if approver else []
        )
        return stub.CreateCredit(credit_request(10_001), timeout=10, metadata=metadata)

    with pytest.raises(RpcError, match="second person's approval"):
        call()
    with pytest.raises(RpcError, match="Nobody can approve their own action"):
        call(anna)
    with pytest.raises(RpcError, match="may not approve"):
        call(tokens.token("carl", ["front_desk"], [UNIT]))
    made = call(tokens.token("boris", ["club_manager"], [UNIT]))
    assert (made.entered_by, made.approved_by, made.amount) == ("anna", "boris", usd(10_001))


def test_bil_11_the_front_desk_may_return_items_but_not_write_off(till: Till, server: Any, tokens: Any) -> None:
    token = tokens.token("carl", ["front_desk"], [UNIT])
    request = write_off_pb.CreateWriteOffRequest(parent=ref("M1").name, reason="x", request_id=request_id())
    with pytest.raises(PermissionDenied):
        server.stub(write_off_grpc.WriteOffServiceStub, token).CreateWriteOff(request, timeout=10)
    back = refund_pb.CreateRefundRequest(
        parent=ref("M1").name,
        amount=usd(100),
        destination=refund_pb.REFUND_DESTINATION_CASH,
        reason="x",
        request_id=request_id(),
    )
    with pytest.raises(FailedPrecondition, match="credit"):
        server.stub(refund_grpc.RefundServiceStub, token).CreateRefund(back, timeout=10)


def test_bil_11_movements_are_named_listed_and_told_in_the_timeline(club: Club, till: Till, server: Any) -> None:
    account = ref("M1").name
    club.due.charges = [due("M1")]
    club.play(DAY)
    payment = f"{account}/payments/{club.one('SELECT id FROM payment')}"
    chargebacks = server.stub(chargeback_grpc.ChargebackServiceStub)
    taken = chargebacks.CreateChargeback(
        chargeback_pb.CreateChargebackRequest(
            payment=payment,
            kind=chargeback_pb.CreateChargebackRequest.KIND_CHARGEBACK,
            reason="disputed by letter",
            request_id=request_id(),
        ),
        timeout=10,
    )
    invoice = f"{account}/invoices/{club.one('SELECT id FROM invoice')}"
    assert (taken.kind, taken.amount, taken.payment, taken.invoice) == ("chargeback", usd(3500), payment, invoice)
    won = chargebacks.ReverseChargeback(
        chargeback_pb.ReverseChargebackRequest(movement=taken.name, reason="won", request_id=request_id()), timeout=10
    )
    assert (won.kind, won.origin, won.invoice) == ("reversal", taken.name, invoice)
    with pytest.raises(FailedPrecondition):
        chargebacks.ReverseChargeback(
            chargeback_pb.ReverseChargebackRequest(movement=taken.name, reason="won", request_id=request_id()),
            timeout=10,
        )
    fee = till.fee("M1", 1000)
    waived = server.stub(fee_grpc.FeeServiceStub).WaiveFee(
        fee_pb.WaiveFeeRequest(invoice=fee.name, amount=usd(400), reason="first time", request_id=request_id()),
        timeout=10,
    )
    assert (waived.invoice, waived.amount) == (fee.name, usd(400))
    adjustments = server.stub(adjustment_grpc.AdjustmentServiceStub)
    debit = adjustments.CreateDebit(
        adjustment_pb.CreateDebitRequest(parent=account, amount=usd(50), reason="towels", request_id=request_id()),
        timeout=10,
    )
    assert debit.invoice
    written = server.stub(write_off_grpc.WriteOffServiceStub).CreateWriteOff(
        write_off_pb.CreateWriteOffRequest(
            parent=account, invoices=[fee.name], reason="moved away", request_id=request_id()
        ),
        timeout=10,
    )
    assert written.amount == usd(600)
    taken_back = server.stub(write_off_grpc.WriteOffServiceStub).ReverseWriteOff(
        write_off_pb.ReverseWriteOffRequest(movement=written.name, reason="came back", request_id=request_id()),
        timeout=10,
    )
    assert (taken_back.origin, taken_back.invoice, taken_back.amount) == (written.name, fee.name, usd(600))
    movements = server.stub(movement_grpc.MovementServiceStub)
    kinds, token = [], ""
    while True:
        page = movements.ListMovements(
            movement_pb.ListMovementsRequest(parent=account, page_size=2, page_token=token), timeout=10
        )
        kinds += [one.kind for one in page.movements]
        token = page.next_page_token
        if not token:
            break
    assert kinds == ["chargeback", "reversal", "waiver", "debit", "write-off", "write-off reversal"]
    assert movements.GetMovement(movement_pb.GetMovementRequest(name=won.name), timeout=10) == won
    told = server.stub(timeline_grpc.TimelineServiceStub).ListTimelineEntries(
        timeline_pb.ListTimelineEntriesRequest(parent=account), timeout=10
    )
    texts = [entry.text for entry in told.timeline_entries if entry.kind == "movement"]
    assert texts == [
        "35.00 USD of a payment was charged back: disputed by letter.",
        "35.00 USD that had been taken back was paid again: won.",
        "4.00 USD of a fee was waived: first time.",
        "A debit of 0.50 USD was charged: towels.",
        "6.00 USD was written off: moved away.",
        "A write-off of 6.00 USD was taken back: came back.",
    ]
    club.assert_books()


def test_bil_11_a_write_off_is_taken_back_once_by_request_id_and_above_the_limit_by_two(
    club: Club, till: Till, server: Any, tokens: Any
) -> None:
    till.invoice("M1", 9000)
    written = till.write_off("M1")
    set_limit(server, UNIT, 5000)
    stub = write_off_grpc.WriteOffServiceStub(server.plain)
    anna, boris, carl = (
        tokens.token(name, [role], [UNIT])
        for name, role in (("anna", "club_manager"), ("boris", "club_manager"), ("carl", "front_desk"))
    )
    request = write_off_pb.ReverseWriteOffRequest(
        movement=f"{ref('M1').name}/movements/{written.id}", reason="paid by the agency", request_id=request_id()
    )

    def call(approver: str = "") -> Any:
        approval = [("boss-approval", f"Bearer {approver}")] if approver else []
        return stub.ReverseWriteOff(request, timeout=10, metadata=[("authorization", f"Bearer {anna}"), *approval])

    with pytest.raises(RpcError, match="second person's approval"):
        call()
    with pytest.raises(RpcError, match="may not approve"):
        call(carl)
    made = call(boris)
    assert (made.kind, made.amount, made.approved_by) == ("write-off reversal", usd(9000), "boris")
    assert call(boris) == made
    assert till.owed("M1") == (9000, 0)
    club.assert_books()


def test_bil_11_refunds_are_read_and_listed_with_their_state(club: Club, till: Till, server: Any) -> None:
    account = ref("M1").name
    club.due.charges = [due("M1")]
    club.play(DAY)
    refunds = server.stub(refund_grpc.RefundServiceStub)
    made = refunds.CreateReturn(
        refund_pb.CreateReturnRequest(
            parent=account,
            lines=[refund_pb.ReturnLine(description="Gold", amount=usd(3500), item_category="Membership")],
            destination=refund_pb.REFUND_DESTINATION_FUNDING_SOURCE,
            funding_source=f"{account}/fundingSources/{source_id(ref('M1').id)}",
            reason="cancelled",
            request_id=request_id(),
        ),
        timeout=10,
    )
    assert made.refund.state == refund_pb.Refund.STATE_CREATED
    till.answer(club.one("SELECT id FROM refund"), "A02")
    found = refunds.GetRefund(refund_pb.GetRefundRequest(name=made.refund.name), timeout=10)
    assert (found.state, found.response_code, found.amount) == (refund_pb.Refund.STATE_APPROVED, "A02", usd(3500))
    listed = refunds.ListRefunds(refund_pb.ListRefundsRequest(parent=UNIT), timeout=10)
    assert list(listed.refunds) == [found]
    again = refunds.GetReturn(refund_pb.GetReturnRequest(name=made.name), timeout=10)
    assert (again.refund, again.total) == (found, usd(3500))


def test_spec_0_a_card_number_in_a_reason_is_refused(till: Till, server: Any) -> None:
    request = credit_request(100)
    request.reason = "paid with 4111 1111 1111 1111"
    with pytest.raises(InvalidArgument, match="card number"):
        server.stub(adjustment_grpc.AdjustmentServiceStub).CreateCredit(request, timeout=10)
