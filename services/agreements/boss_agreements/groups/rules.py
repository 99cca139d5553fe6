"""What an agreement group is (SPEC AGR-1, AGR-6). Pure."""

from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry, check_choice
from boss_kit.errors import FailedPrecondition, InvalidArgument

INDIVIDUAL, FAMILY, CORPORATE = "Individual", "Family", "Corporate"
TYPES = (INDIVIDUAL, FAMILY, CORPORATE)
STAY, FOLLOW = "stay", "follow"
ADD_ON_FATES = (STAY, FOLLOW)
BY_PRIMARY, BY_OWN, SHARED = "primary", "own", "shared"
PAYERS = (BY_PRIMARY, BY_OWN, SHARED)


@dataclass(frozen=True, kw_only=True)
class AgreementGroup(Entry):
    """Who an agreement is for.

    What becomes of add-ons when their primary is suspended, ends, or is cancelled in a batch is the group's policy:
    they follow or stay. `payer` says who pays for them; `primary_percent` is the primary's part where it is shared.
    """

    type: str = INDIVIDUAL
    add_ons_allowed: bool = False
    add_ons_max: int | None = None
    on_suspension: str = STAY
    on_expiry: str = STAY
    on_batch_cancel: str = STAY
    payer: str = BY_PRIMARY
    primary_percent: int = 100


def saved_group(group: AgreementGroup) -> AgreementGroup:
    """Give a group as it is kept. Raises InvalidArgument."""
    check_choice(group.type, TYPES, "agreement_group.type")
    for field in ("on_suspension", "on_expiry", "on_batch_cancel"):
        check_choice(getattr(group, field), ADD_ON_FATES, f"agreement_group.{field}")
    check_choice(group.payer, PAYERS, "agreement_group.payer")
    if group.type == INDIVIDUAL and group.add_ons_allowed:
        raise InvalidArgument.field("agreement_group.add_ons_allowed", "is for Family and Corporate groups.")
    if not 0 <= group.primary_percent <= 100:
        raise InvalidArgument.field("agreement_group.primary_percent", "must lie between 0 and 100.")
    return group


def check_add_on(group: AgreementGroup, live_add_ons: int) -> None:
    """Refuse one more add-on than the group allows (SPEC AGR-6). Raises FailedPrecondition."""
    if not group.add_ons_allowed:
        raise FailedPrecondition(
            "ADD_ONS_NOT_ALLOWED",
            f"group: {group.name!r} has no add-ons; choose a Family or Corporate group that allows them.",
            metadata={"field": "group", "group": group.name},
        )
    if group.add_ons_max is not None and live_add_ons >= group.add_ons_max:
        raise FailedPrecondition(
            "TOO_MANY_ADD_ONS",
            f"group: {group.name!r} allows {group.add_ons_max} add-ons, and there are {live_add_ons}; end one first.",
            metadata={"field": "group", "group": group.name},
        )
