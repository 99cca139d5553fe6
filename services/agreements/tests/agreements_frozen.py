"""What tests of suspensions and activities do with a club: sell, suspend, bill, check in."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from agreements_catalogue import SUSPENSION_REASON, Catalogue
from agreements_club import ENTERPRISE_ID, Club, cents, day, fact_event, iso, record
from boss.agreements.v1 import (
    activity_service_pb2,
    activity_service_pb2_grpc,
    agreement_service_pb2,
    due_charge_service_pb2,
    history_service_pb2,
    history_service_pb2_grpc,
    suspension_service_pb2,
    suspension_service_pb2_grpc,
)
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.agreements import store
from boss_agreements.agreements.rules import SERVICE, UNIT, AgreementLine, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.agreements.store import Agreement
from boss_kit.context import Context
from boss_kit.ids import derived_id, new_id
from boss_kit.money import Money

GOLD, TRAINING = "Gold access", "Training"
GROUPED = ("group_id", "group_type", "role", "primary_agreement_id")
ALL_EFFECTS = {"stop_billing": True, "prevent_activity_use": True, "extend_availability": True}


def access(agreement_id: UUID, start: str, schedule: str = "monthly_anniversary", **values: Any) -> AgreementLine:
    """Make a Key Item: unlimited access at $35 a cycle."""
    first = date.fromisoformat(start)
    months = values.pop("months", None)
    line = open_line(
        derived_id(agreement_id, "line", GOLD),
        parse_schedule(schedule, first),
        Money(3500, "USD"),
        first,
        months,
        first,
    )
    return replace(line, **({"item": GOLD, "item_category": "Dues"} | values))


def training(agreement_id: UUID, start: str, schedule: str = "monthly_anniversary", **values: Any) -> AgreementLine:
    """Make another item: four units of training at $100 a cycle."""
    line = access(agreement_id, start, schedule)
    usual = {
        "id": derived_id(agreement_id, "line", TRAINING),
        "price": Money(10000, "USD"),
        "item": TRAINING,
        "item_kind": SERVICE,
        "basis": UNIT,
        "units_per_cycle": Decimal(4),
        "is_key_item": False,
        "is_required": False,
    }
    return replace(line, **(usual | values))


@dataclass
class Desk:
    """The calls of a club's desk."""

    club: Club
    token: str | None = None
    reasons: dict[str, Any] = field(default_factory=dict)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the club."""
        return Catalogue(self.club)

    @property
    def suspensions(self) -> Any:
        """The stub of the SuspensionService."""
        return self.stub(suspension_service_pb2_grpc.SuspensionServiceStub)

    @property
    def activities(self) -> Any:
        """The stub of the ActivityService."""
        return self.stub(activity_service_pb2_grpc.ActivityServiceStub)

    def stub(self, kind: Any) -> Any:
        """Give a stub that calls as whom the desk is."""
        return self.club.server.stub(kind, token=self.token) if self.token else self.club.server.stub(kind)

    def member(self, external_id: str = "M1") -> str:
        """Import a member whose imported agreement ended long ago, and give its name."""
        old = {"start_date": "2020-01-10", "term": "fixed_12"}
        self.club.import_records(record(1, external_id=external_id, **old))
        return self.club.member_name(external_id)

    def sell(self, member: str, start: str, *items: str, **values: Any) -> str:
        """Give a member an agreement with access and, where asked for, training; give its name."""
        ids, agreement_id = member.split("/"), new_id()
        months = values.get("months")
        lines = [access(agreement_id, start, values.get("schedule", "monthly_anniversary"), months=months)]
        lines += [training(agreement_id, start) for item in items if item == TRAINING]
        return self.add(ids, agreement_id, lines, start, values)

    def add(
        self, ids: Sequence[str], agreement_id: UUID, lines: Sequence[AgreementLine], start: str, values: Any
    ) -> str:
        """Write an agreement as a sale would."""
        external_id = values.get("external_id", "M1")
        made = Agreement(
            agreement_id,
            ENTERPRISE_ID,
            UUID(ids[3]),
            values.get("number", str(agreement_id)[-12:]),
            UUID(ids[5]),
            values.get("account_id") or self.club.account_id(external_id),
            "Gold Monthly",
            "Membership",
            "Active",
            "perpetual" if values.get("months") is None else f"fixed_{values['months']}",
            date.fromisoformat(start),
            values.get("obligation_end_date"),
            1,
            self._now(),
            tuple(lines),
            definition_id=values.get("definition_id"),
            **{name: values[name] for name in GROUPED if name in values},
        )
        with self.club.units.begin(Context(ENTERPRISE_ID, correlation="sale")) as tx:
            store.add(tx.connection, made)
        return f"{self.club.unit}/agreements/{agreement_id}"

    def reason(self, name: str = "Medical", **values: Any) -> Any:
        """Make a reason, once: a freeze that stops billing, locks and extends, if nothing else is said."""
        if name not in self.reasons:
            usual = {"type": "Freeze", "open_ended": True} | ALL_EFFECTS
            self.reasons[name] = self.catalogue.create(SUSPENSION_REASON(display_name=name, **(usual | values)))
        return self.reasons[name]

    def asked(self, start: str, end: str | None = None, **values: Any) -> Any:
        """Write a suspension as it is asked for."""
        dates = {name: day(values.pop(name)) for name in ("received_date", "adjustment_credit_date") if name in values}
        reason = values.pop("suspension_reason", None) or self.reason().name
        return agreement_service_pb2.Suspension(
            start_date=day(start),
            end_date=day(end) if end else None,
            suspension_reason="" if reason == "none" else reason,
            **dates,
            **values,
        )

    def suspend(self, start: str, end: str | None = None, request_id: str = "", **values: Any) -> Any:
        """Suspend."""
        return self.suspensions.CreateSuspension(
            agreement_service_pb2.CreateSuspensionRequest(
                parent=self.club.unit,
                suspension=self.asked(start, end, **values),
                request_id=request_id or str(uuid4()),
            )
        )

    def preview(self, start: str, end: str | None = None, **values: Any) -> Any:
        """Ask what a suspension would do."""
        return self.suspensions.PreviewSuspension(
            suspension_service_pb2.PreviewSuspensionRequest(
                parent=self.club.unit, suspension=self.asked(start, end, **values)
            )
        )

    def change(self, name: str, **values: Any) -> Any:
        """Change days or comments; an empty end date opens the end."""
        received = values.pop("received_date", None)
        dates = {key: day(values[key]) for key in ("start_date", "end_date") if values.get(key)}
        comments = {"comments": values["comments"]} if "comments" in values else {}
        suspension = agreement_service_pb2.Suspension(name=name, **dates, **comments)
        if "start_date" not in dates:
            suspension.start_date.CopyFrom(day("2026-01-01"))
        request = suspension_service_pb2.UpdateSuspensionRequest(
            suspension=suspension,
            update_mask={"paths": list(values)},
            received_date=day(received) if received else None,
            request_id=str(uuid4()),
        )
        return self.suspensions.UpdateSuspension(request)

    def rescind(self, name: str) -> Any:
        """Rescind."""
        return self.suspensions.RescindSuspension(
            suspension_service_pb2.RescindSuspensionRequest(name=name, request_id=str(uuid4()))
        )

    def end(self, name: str, text: str) -> Any:
        """Set the first day back."""
        return self.suspensions.EndSuspension(
            agreement_service_pb2.EndSuspensionRequest(name=name, end_date=day(text), request_id=str(uuid4()))
        )

    def get(self, name: str) -> Any:
        """Read a suspension."""
        return self.suspensions.GetSuspension(suspension_service_pb2.GetSuspensionRequest(name=name))

    def listed(self, **values: Any) -> Sequence[Any]:
        """List suspensions."""
        request = agreement_service_pb2.ListSuspensionsRequest(parent=self.club.unit, **values)
        return list(self.suspensions.ListSuspensions(request).suspensions)

    def play(self, text: str) -> list[tuple[str, str, int]]:
        """Play a business date: the daily job, then a bill run; give what was billed: due, item, cents."""
        self.club.run_day(text)
        return self.bill(text)

    def bill(self, text: str) -> list[tuple[str, str, int]]:
        """Close, list and answer a bill date; give what was billed."""
        charges = self.due(text)
        self.answer(charges, text)
        return sorted((iso(charge.due_date), charge.item, cents(charge.amount)) for charge in charges)

    def answer(self, charges: Sequence[Any], text: str) -> None:
        """Say that charges are billed."""
        for charge in charges:
            name = f"{self.club.unit}/agreements/{charge.agreement_id}"
            fact = billing_events_pb2.ChargeBilled(charge_key=charge.charge_key, agreement=name, invoice="invoice")
            self.club.feed(fact_event("billing", fact, UUID(charge.account_id), text))
        assert self.club.parked() == []

    def due(self, text: str) -> list[Any]:
        """Close a bill date and list what is due."""
        close = due_charge_service_pb2.CloseBillDateRequest(
            business_unit=self.club.unit, bill_date=day(text), request_id=str(uuid4())
        )
        self.club.due_charges.CloseBillDate(close)
        request = due_charge_service_pb2.ListDueChargesRequest(parent=self.club.unit, bill_date=day(text))
        return [charge for page in self.club.due_charges.ListDueCharges(request, timeout=30) for charge in page.charges]

    def usable(self, member: str, *, expired: bool = False) -> Sequence[Any]:
        """List a member's activities."""
        request = activity_service_pb2.ListActivitiesRequest(parent=member, include_expired=expired)
        return list(self.activities.ListActivities(request).activities)

    def expiries(self, member: str, item: str = TRAINING) -> list[str]:
        """Give until when what a member has of an item is good, expired or not."""
        return [iso(one.expiry_date) for one in self.usable(member, expired=True) if one.item == item]

    def check_in(self, member: str, item: str = "", request_id: str = "") -> Any:
        """Let a member in, or not."""
        return self.activities.CheckIn(
            activity_service_pb2.CheckInRequest(member=member, item=item, request_id=request_id or str(uuid4()))
        )

    def redeem(self, member: str, units: str = "1", item: str = TRAINING, request_id: str = "") -> Any:
        """Take units, or not."""
        return self.activities.Redeem(
            activity_service_pb2.RedeemRequest(
                member=member, item=item, units=units, request_id=request_id or str(uuid4())
            )
        )

    def changes(self, agreement: str) -> list[tuple[str, list[str]]]:
        """Read the change history of an agreement, oldest first: summaries and notable changes."""
        stub = self.club.server.stub(history_service_pb2_grpc.HistoryServiceStub)
        found = stub.ListChanges(history_service_pb2.ListChangesRequest(parent=agreement)).changes
        return [(one.summary, list(one.notable_changes)) for one in reversed(found)]

    def agreement(self, name: str) -> Any:
        """Read an agreement."""
        return self.club.agreements.GetAgreement(agreement_service_pb2.GetAgreementRequest(name=name))

    def _now(self) -> Any:
        with self.club.units.read(Context(ENTERPRISE_ID)) as tx:
            return tx.now
