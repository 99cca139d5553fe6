"""Cycles and their protos, both ways."""

from collections.abc import Iterable
from uuid import UUID

from boss.arm.v1 import cycle_service_pb2 as pb

from boss_arm.cycles.queries import Summary
from boss_arm.history.rules import Activity
from boss_arm.steps.commands import Decision
from boss_kit.money import Money
from boss_kit.names import parse
from boss_kit.rpc.convert import date_to_proto, money_to_proto

ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"


def account_ids(name: str, field: str) -> tuple[UUID, UUID]:
    """Read an account's name: its unit and id."""
    ids = parse(ACCOUNT, name, field)
    return ids["b"], ids["a"]


def summary_to_proto(account: str, one: Summary) -> pb.ArmSummary:
    """Write a summary."""
    return pb.ArmSummary(
        account=account,
        status=one.status,
        sent_date=date_to_proto(one.sent_date),
        days_in_arm=one.days_in_arm,
        sent_balance=money_to_proto(one.sent_balance) if one.sent_balance is not None else None,
        past_due_balance=money_to_proto(one.past_due_balance),
        letters_sent=one.letters_sent,
        phone_calls_made=one.phone_calls_made,
        emails_sent=one.emails_sent,
        invalid_contacts=one.invalid_contacts,
    )


def activity_to_proto(one: Activity, currency: str) -> pb.ArmActivity:
    """Write a line of the history."""
    return pb.ArmActivity(
        cycle_number=one.cycle_number,
        type=one.type,
        activity_date=date_to_proto(one.activity_date),
        activity=one.activity,
        result_date=date_to_proto(one.result_date),
        result=one.result,
        days_in_arm=one.days_in_arm,
        past_due_balance=money_to_proto(Money(one.past_due_minor, currency)),
        contact_info=one.contact_info,
        suspension=one.suspension,
    )


def releases_to_proto(decisions: Iterable[Decision]) -> pb.ReleaseStepsResponse:
    """Write decisions, in their order."""
    releases = [
        pb.StepRelease(step_id=str(one.step_id), released=not one.reason, reason=one.reason) for one in decisions
    ]
    return pb.ReleaseStepsResponse(releases=releases)
