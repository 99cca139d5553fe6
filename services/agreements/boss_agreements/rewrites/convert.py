"""Rewrites, to and from protos."""

from dataclasses import replace
from uuid import UUID

from boss.agreements.v1 import rewrite_service_pb2 as pb

from boss_agreements.agreements.convert import AGREEMENT, MEMBER, UNIT, agreement
from boss_agreements.rewrites.queries import AddedPart, RewriteAgreement, Rewritten
from boss_agreements.rewrites.rules import REWRITE, Fixed
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import money_to_proto

LOCATION = UNIT + "/locations/{l}"


def request(parent: str, asked: pb.Rewrite) -> RewriteAgreement:
    """Read what is to change."""
    unit = names.parse(UNIT, parent, "parent")
    member_id = names.parse(MEMBER, asked.member, "rewrite.member")["m"] if asked.member else None
    return RewriteAgreement(
        unit["e"],
        unit["b"],
        names.parse(AGREEMENT, asked.agreement, "rewrite.agreement")["a"],
        UUID(asked.reason_id),
        asked.purpose or REWRITE,
        _uuid(asked.definition_id, "rewrite.definition_id"),
        tuple(AddedPart(UUID(one.part_id), one.quantity or 1) for one in asked.added),
        tuple(UUID(one) for one in asked.removed_line_ids),
        asked.schedule,
        asked.term,
        asked.comments,
        Fixed(member_id, _uuid(asked.group_id, "rewrite.group_id"), asked.classification, asked.role),
        location_id=names.parse(LOCATION, asked.location, "rewrite.location")["l"] if asked.location else None,
    )


def result(made: Rewritten) -> pb.RewriteResult:
    """Write what was made."""
    credit = sum(one.return_amount_minor + one.return_tax_minor for one in made.returned)
    currency = made.before.lines[0].price.currency
    return pb.RewriteResult(
        before=agreement(made.before), after=agreement(made.after), credit=money_to_proto(Money(credit, currency))
    )


def preview(made: Rewritten) -> pb.RewriteResult:
    """Write what would be made; its number comes with the rewrite."""
    return result(replace(made, after=replace(made.after, number="")))


def _uuid(text: str, field: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a UUID.") from None
