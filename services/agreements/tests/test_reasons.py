"""Why agreements are cancelled and suspended: what reasons allow, and which a wizard offers."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_catalogue import CANCEL_REASON, SHARED, SUSPENSION_REASON, WORK_ROLE, Catalogue
from agreements_club import Club
from boss.agreements.v1 import reason_service_pb2 as pb

from boss_agreements.catalogue.rules import Head
from boss_agreements.reasons import queries, rules
from boss_agreements.reasons.rules import CancelReason, SuspensionReason
from boss_kit.context import Actor, Context
from boss_kit.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound

TODAY = date(2026, 1, 10)


@pytest.fixture
def catalogue(club: Club) -> Catalogue:
    return Catalogue(club)


def cancel_reason(**values: Any) -> CancelReason:
    return CancelReason(**vars(head()), name="Moving away", **values)


def suspension_reason(**values: Any) -> SuspensionReason:
    return SuspensionReason(**vars(head()), name="Medical", **values)


def head() -> Head:
    return Head(UUID(int=1), UUID(int=2), None, 1, datetime(2026, 1, 1, tzinfo=UTC))


def test_agr_2_a_new_cancel_reason_serves_agreements_and_invoices(catalogue: Catalogue) -> None:
    made = catalogue.create(CANCEL_REASON(display_name="Moving away"))
    assert (made.agreements, made.invoices, made.rewrite) == (True, True, False)
    assert (made.immediate_allowed, made.future_allowed, made.inactive) == (True, True, False)


def test_agr_2_saving_a_reason_for_rewrites_clears_agreements_invoices_and_refund(catalogue: Catalogue) -> None:
    made = catalogue.create(
        CANCEL_REASON(display_name="Upgrade", agreements=True, invoices=True, refund=True, rewrite=True)
    )
    assert (made.rewrite, made.agreements, made.invoices, made.refund) == (True, False, False, False)
    plain = catalogue.create(CANCEL_REASON(display_name="Other", refund=True))
    changed = catalogue.update(plain, rewrite=True)
    assert (changed.agreements, changed.invoices, changed.refund) == (False, False, False)


def test_agr_2_every_field_of_a_cancel_reason_is_kept(catalogue: Catalogue) -> None:
    catalogue.create(WORK_ROLE(display_name="Manager"))
    made = catalogue.create(
        CANCEL_REASON(
            display_name="Upgrade",
            description="To a better one",
            rewrite=True,
            admin_adjustment=True,
            no_refund=True,
            immediate_allowed=True,
            future_allowed=False,
            prior_to_first_billing=True,
            keep_same_billing_schedule=True,
            approver_roles=["Manager"],
        )
    )
    assert catalogue.get("CancelReason", made.name) == made
    assert made.admin_adjustment
    assert made.no_refund
    assert made.prior_to_first_billing
    assert made.keep_same_billing_schedule
    assert (made.future_allowed, list(made.approver_roles)) == (False, ["Manager"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"refund": True, "no_refund": True}, "no_refund"),
        ({"immediate_allowed": False, "future_allowed": False}, "future_allowed"),
        ({"prior_to_first_billing": True}, "prior_to_first_billing"),
        ({"keep_same_billing_schedule": True}, "keep_same_billing_schedule"),
    ],
)
def test_agr_2_a_cancel_reason_that_contradicts_itself_is_refused(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument, match=f"cancel_reason.{field}"):
        catalogue.create(CANCEL_REASON(display_name="Odd", **values))


def test_agr_2_a_reason_says_whether_immediate_or_future_dates_are_allowed() -> None:
    at_once, later = cancel_reason(future_allowed=False), cancel_reason(immediate_allowed=False)
    rules.check_cancel_date(at_once, TODAY, TODAY)
    rules.check_cancel_date(later, date(2026, 1, 11), TODAY)
    with pytest.raises(FailedPrecondition, match="later day") as future:
        rules.check_cancel_date(at_once, date(2026, 1, 11), TODAY)
    with pytest.raises(FailedPrecondition, match="at once") as immediate:
        rules.check_cancel_date(later, TODAY, TODAY)
    assert (future.value.reason, immediate.value.reason) == ("FUTURE_NOT_ALLOWED", "IMMEDIATE_NOT_ALLOWED")


def test_agr_3_every_field_of_a_suspension_reason_is_kept(catalogue: Catalogue) -> None:
    fee = catalogue.item("Freeze fee", kind="fee")
    catalogue.create(WORK_ROLE(display_name="Manager"), SHARED)
    made = catalogue.create(
        SUSPENSION_REASON(
            display_name="Medical",
            type="Freeze",
            must_start_on_key_item_bill_date=True,
            days_min=7,
            days_max=90,
            open_ended=True,
            approver_roles=["Manager"],
            stop_billing=True,
            freeze_charge_item=fee.name,
            recurring_charge_item=fee.name,
            prevent_activity_use=True,
            extend_availability=True,
            extend_obligation_date=True,
        )
    )
    assert catalogue.get("SuspensionReason", made.name) == made
    assert (made.type, made.days_min, made.days_max, made.open_ended) == ("Freeze", 7, 90, True)
    assert (made.freeze_charge_item, made.recurring_charge_item) == (fee.name, fee.name)
    assert made.stop_billing
    assert made.prevent_activity_use
    assert made.extend_availability
    assert made.extend_obligation_date


def test_agr_3_a_new_suspension_reason_is_a_hold_of_1_to_30_days(catalogue: Catalogue) -> None:
    made = catalogue.create(SUSPENSION_REASON(display_name="Medical"))
    assert (made.type, made.days_min, made.days_max) == ("Hold", 1, 30)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": "Pause"}, "type"),
        ({"days_min": 31}, "days_max"),
        ({"freeze_charge_item": "access"}, "freeze_charge_item"),
    ],
)
def test_agr_3_a_suspension_reason_that_cannot_be_is_refused(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    if "freeze_charge_item" in values:
        values = {"freeze_charge_item": catalogue.item().name}
    with pytest.raises(InvalidArgument, match=f"suspension_reason.{field}"):
        catalogue.create(SUSPENSION_REASON(display_name="Odd", **values))


@pytest.mark.parametrize(
    ("reason", "end", "on_bill_date", "code"),
    [
        (suspension_reason(), date(2026, 9, 1), False, None),
        (suspension_reason(), None, False, None),
        (suspension_reason(must_start_on_key_item_bill_date=True), date(2026, 1, 20), True, None),
        (suspension_reason(must_start_on_key_item_bill_date=True), date(2026, 2, 9), True, None),
        (
            suspension_reason(must_start_on_key_item_bill_date=True),
            date(2026, 1, 20),
            False,
            "START_NOT_ON_BILL_DATE",
        ),
        (suspension_reason(must_start_on_key_item_bill_date=True), date(2026, 2, 10), True, "SUSPENSION_LENGTH"),
        (
            suspension_reason(must_start_on_key_item_bill_date=True, days_min=7),
            date(2026, 1, 16),
            True,
            "SUSPENSION_LENGTH",
        ),
        (suspension_reason(must_start_on_key_item_bill_date=True), None, True, "OPEN_END_NOT_ALLOWED"),
        (suspension_reason(must_start_on_key_item_bill_date=True, open_ended=True), None, True, None),
        (suspension_reason(must_start_on_key_item_bill_date=True, open_ended=True), date(2027, 1, 1), True, None),
    ],
)
def test_agr_3_days_matter_only_where_it_must_start_on_a_bill_date_and_open_ended_lifts_them(
    reason: SuspensionReason, end: date | None, on_bill_date: bool, code: str | None
) -> None:
    if code is None:
        rules.check_suspension_dates(reason, TODAY, end, starts_on_key_item_bill_date=on_bill_date)
        return
    with pytest.raises(FailedPrecondition) as refused:
        rules.check_suspension_dates(reason, TODAY, end, starts_on_key_item_bill_date=on_bill_date)
    assert refused.value.reason == code
    assert "reason" in refused.value.metadata


def test_agr_3_a_reason_with_approving_roles_needs_one_of_them() -> None:
    reason = suspension_reason(approver_roles=("Manager",))
    rules.check_approval(reason, Actor("mia", work_role="Manager"))
    rules.check_approval(reason, Actor("tom", work_role="Front Desk", approver=Actor("mia", work_role="Manager")))
    rules.check_approval(suspension_reason(), Actor("tom"))
    with pytest.raises(FailedPrecondition, match="approval of a Manager"):
        rules.check_approval(reason, Actor("tom", work_role="Front Desk"))


def link(catalogue: Catalogue, definition: Any, cancel: Any, suspension: Any = None) -> Any:
    request = pb.SetDefinitionReasonsRequest(
        definition=definition.name,
        cancel_reasons=cancel,
        suspension_reasons=suspension or pb.LinkChoice(),
        request_id=str(uuid4()),
    )
    return catalogue.stub("CancelReason").SetDefinitionReasons(request)


def offered(catalogue: Catalogue, definition: Any, use: str = "") -> list[str]:
    name = definition.name if definition else ""
    request = pb.ListOfferedReasonsRequest(parent=catalogue.club.unit, definition=name, use=use)
    return [one.display_name for one in catalogue.stub("CancelReason").ListOfferedReasons(request).cancel_reasons]


def test_agr_2_a_wizard_offers_only_linked_active_reasons_of_its_use(catalogue: Catalogue) -> None:
    definition = catalogue.membership()
    moving = catalogue.create(CANCEL_REASON(display_name="Moving away"))
    upgrade = catalogue.create(CANCEL_REASON(display_name="Upgrade", rewrite=True))
    catalogue.create(CANCEL_REASON(display_name="Not linked"))
    old = catalogue.create(CANCEL_REASON(display_name="Old"))
    assert offered(catalogue, definition) == []
    link(catalogue, definition, pb.LinkChoice(names=[moving.name, upgrade.name, old.name]))
    catalogue.update(old, inactive=True)
    assert offered(catalogue, definition) == ["Moving away"]
    assert offered(catalogue, definition, "invoices") == ["Moving away"]
    assert offered(catalogue, definition, "rewrites") == ["Upgrade"]
    assert offered(catalogue, None) == ["Moving away", "Not linked"]
    with pytest.raises(InvalidArgument, match="use"):
        offered(catalogue, definition, "holidays")


def test_agr_2_links_are_set_from_the_definition_with_select_all_and_show_inactive(catalogue: Catalogue) -> None:
    definition = catalogue.membership()
    for name in ("A", "B"):
        catalogue.create(CANCEL_REASON(display_name=name))
    catalogue.create(CANCEL_REASON(display_name="C", inactive=True))
    catalogue.create(SUSPENSION_REASON(display_name="Medical"))
    answer = link(catalogue, definition, pb.LinkChoice(select_all=True), pb.LinkChoice(select_all=True))
    assert [(one.display_name, one.linked, one.inactive) for one in answer.cancel_reasons] == [
        ("A", True, False),
        ("B", True, False),
        ("C", False, True),
    ]
    assert [(one.display_name, one.linked) for one in answer.suspension_reasons] == [("Medical", True)]
    stub = catalogue.stub("CancelReason")
    shown = stub.ListDefinitionReasons(pb.ListDefinitionReasonsRequest(definition=definition.name))
    assert [one.display_name for one in shown.cancel_reasons] == ["A", "B"]
    link(catalogue, definition, pb.LinkChoice(names=[answer.cancel_reasons[0].name]))
    assert offered(catalogue, definition) == ["A"]


def test_agr_2_links_are_set_from_the_reason_too(catalogue: Catalogue) -> None:
    definition, reason = catalogue.membership(), catalogue.create(CANCEL_REASON(display_name="Moving away"))
    stub = catalogue.stub("CancelReason")
    answer = stub.SetReasonDefinitions(
        pb.SetReasonDefinitionsRequest(
            reason=reason.name, definitions=pb.LinkChoice(select_all=True), request_id=str(uuid4())
        )
    )
    assert [(one.name, one.linked) for one in answer.definitions] == [(definition.name, True)]
    assert offered(catalogue, definition) == ["Moving away"]
    stub.SetReasonDefinitions(pb.SetReasonDefinitionsRequest(reason=reason.name, request_id=str(uuid4())))
    assert offered(catalogue, definition) == []


def test_agr_2_a_link_to_something_unknown_is_refused(catalogue: Catalogue) -> None:
    definition = catalogue.membership()
    with pytest.raises(NotFound, match="cancel reason"):
        link(catalogue, definition, pb.LinkChoice(names=[f"{catalogue.club.unit}/cancelReasons/{uuid4()}"]))


def test_agr_2_a_unit_sees_the_enterprises_reasons_and_other_units_see_none_of_its_own(catalogue: Catalogue) -> None:
    club = catalogue.club
    shared = catalogue.create(CANCEL_REASON(display_name="Shared"), SHARED)
    own = catalogue.create(CANCEL_REASON(display_name="Own"))
    ids = [UUID(one.name.rpartition("/")[2]) for one in (shared, own)]
    unit_id = UUID(club.unit.rpartition("/")[2])
    enterprise_id = UUID(SHARED.rpartition("/")[2])
    with club.units.read(Context(enterprise_id)) as tx:
        assert [queries.get_cancel_reason(tx, enterprise_id, unit_id, one).name for one in ids] == ["Shared", "Own"]
        assert queries.get_cancel_reason(tx, enterprise_id, uuid4(), ids[0]).name == "Shared"
        with pytest.raises(NotFound):
            queries.get_cancel_reason(tx, enterprise_id, uuid4(), ids[1])


def test_a_unit_reads_what_the_enterprise_shares_and_only_the_enterprise_changes_it(catalogue: Catalogue) -> None:
    shared = catalogue.create(CANCEL_REASON(display_name="Shared"), SHARED)
    club = catalogue.club
    unit = Catalogue(club, club.tokens.token("anna", ["club_manager"], [club.unit]))
    assert unit.get("CancelReason", shared.name) == shared
    below = f"{club.unit}/cancelReasons/{shared.name.rpartition('/')[2]}"
    assert unit.get("CancelReason", below) == shared
    mine = type(shared)()
    mine.CopyFrom(shared)
    mine.name = below
    with pytest.raises(FailedPrecondition, match="belongs to the enterprise"):
        unit.update(mine, refund=True)


def test_a_change_needs_the_newest_etag_and_a_name_is_taken_once(catalogue: Catalogue) -> None:
    first = catalogue.create(CANCEL_REASON(display_name="Moving away"))
    catalogue.create(CANCEL_REASON(display_name="Other"))
    second = catalogue.update(first, refund=True)
    assert second.etag != first.etag
    assert catalogue.update(second, refund=True) == second, "nothing changed"
    with pytest.raises(Aborted, match="read it again"):
        catalogue.update(first, refund=False)
    with pytest.raises(InvalidArgument, match="etag"):
        catalogue.update(second, etag="")
    with pytest.raises(AlreadyExists, match="another name"):
        catalogue.update(second, display_name="Other")
    with pytest.raises(AlreadyExists, match="another name"):
        catalogue.create(CANCEL_REASON(display_name="Other"))


def test_agr_3_approvers_are_work_roles_that_there_are(catalogue: Catalogue) -> None:
    catalogue.create(WORK_ROLE(display_name="Manager"), SHARED)
    for reason in (CANCEL_REASON, SUSPENSION_REASON):
        values = {"type": "Freeze"} if reason is SUSPENSION_REASON else {}
        made = catalogue.create(reason(display_name="Hardship", approver_roles=["Manager"], **values))
        with pytest.raises(InvalidArgument, match="'Director' is not a work role here; there are Manager") as refused:
            catalogue.update(made, approver_roles=["Manager", "Director"])
        assert refused.value.metadata["field"].endswith("_reason.approver_roles")
