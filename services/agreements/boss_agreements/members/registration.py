"""Make members and change their profiles (SPEC AGR-5)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.catalogue.rules import check_etag
from boss_agreements.inherited_settings.queries import setting_of_unit
from boss_agreements.inherited_settings.rules import REQUIRED_MEMBER_FIELDS
from boss_agreements.members import rules, searches, store
from boss_agreements.members.commands import ContactName, entry, not_found
from boss_agreements.members.profiles import (
    Profile,
    check_no_duplicates,
    check_required,
    reachable_at,
    with_profile,
)
from boss_agreements.members.queries import get_member, member_not_found
from boss_agreements.members.rules import Member, MemberChanged
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.timeline.store import tell
from boss_kit.errors import AlreadyExists, InvalidArgument
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction

OPEN_ACCOUNT_TASK = "open-account"


@dataclass(frozen=True)
class CreateMember:
    """A member as it is asked for; without an account a new one is opened, without an external id a number is drawn."""

    enterprise_id: UUID
    business_unit_id: UUID
    external_id: str
    account_id: UUID | None
    profile: Profile
    allow_duplicates: bool


@dataclass(frozen=True)
class UpdateMember:
    """A profile as it shall be, and the etag it was read with."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    etag: str
    external_id: str
    account_id: UUID | None
    profile: Profile


def create_member(tx: Transaction, command: CreateMember) -> Member:
    """Make a member, and enqueue the opening of the account in billing.

    Raises InvalidArgument, AlreadyExists for a number in use or for candidates of a duplicate (SPEC AGR-5).
    """
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    today = tx.today(unit.time_zone)
    made = with_profile(_nobody(tx, unit, command), _in_zone(command.profile, unit), today)
    check_required(made, [one for one in setting_of_unit(tx, unit, REQUIRED_MEMBER_FIELDS).split(",") if one])
    searches.hold_person(tx.connection, made, reachable_at(made))
    if not command.allow_duplicates:
        found = searches.candidates(tx.connection, made, reachable_at(made))
        check_no_duplicates(found, command.enterprise_id)
    if not store.add_member(tx.connection, made):
        raise AlreadyExists(
            "MEMBER_EXISTS",
            f"member.external_id: there is a member {made.external_id!r} already; take another number, or none.",
            metadata={"field": "member.external_id", "external_id": made.external_id},
        )
    if command.account_id is None:
        args = {"business_unit_id": str(unit.id), "account_id": str(made.account_id), "number": made.external_id}
        tx.enqueue(OPEN_ACCOUNT_TASK, key=str(made.account_id), args=args, business_date=today)
    _announce(tx, made, today, f"Member {made.external_id} was entered by {tx.context.actor.user}.")
    return made


def update_member(tx: Transaction, command: UpdateMember) -> Member:
    """Replace a member's profile and contacts. Raises NotFound, InvalidArgument, Aborted for an older etag."""
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    locked = store.lock_members(tx.connection, command.enterprise_id, [command.member_id])
    before = next((one for one in locked if one.business_unit_id == unit.id), None)
    if before is None:
        raise member_not_found(command.member_id)
    check_etag(before.version, command.etag)
    for field, asked, kept in (
        ("external_id", command.external_id, before.external_id),
        ("account", str(command.account_id or ""), str(before.account_id)),
    ):
        if asked not in ("", kept):
            raise InvalidArgument.field(f"member.{field}", f"stays {kept}.")
    today = tx.today(unit.time_zone)
    after = with_profile(before, _in_zone(command.profile, unit), today)
    if not rules.changed(before, after):
        return before
    after = replace(after, version=before.version + 1)
    store.save_member(tx.connection, after)
    _announce(tx, after, today, f"The profile was changed by {tx.context.actor.user}.")
    return after


def choose_arm_contact(tx: Transaction, name: ContactName) -> Member:
    """Give a contact the ARM purpose by hand (SPEC ARM-8). Raises NotFound."""
    today = tx.today(get_unit(tx, name.enterprise_id, name.business_unit_id).time_zone)
    get_member(tx, name.enterprise_id, name.business_unit_id, name.member_id)
    (before,) = store.lock_members(tx.connection, name.enterprise_id, [name.member_id])
    chosen = next((one for one in before.contacts if one.id == name.contact_id), None)
    if chosen is None:
        raise not_found(name)
    after = rules.choose_by_hand(before, chosen.id)
    if not rules.changed(before, after):
        return before
    after = replace(after, version=before.version + 1)
    store.save_marks(tx.connection, [before], [after])
    text = f"The contact {chosen.label} was chosen for accounts receivable management by {tx.context.actor.user}."
    _announce(tx, after, today, text)
    return after


def _nobody(tx: Transaction, unit: BusinessUnit, command: CreateMember) -> Member:
    """Make a member without a profile; ids follow from the external id, as an import's do."""
    external_id = command.external_id.strip() or store.next_number(tx.connection, unit.enterprise_id)
    account_id = command.account_id or derived_id(unit.enterprise_id, "account", external_id)
    if command.account_id is not None and not store.has_account(tx.connection, unit.enterprise_id, unit.id, account_id):
        raise InvalidArgument.field("member.account", f"{account_id} is no account of a member of this business unit.")
    return Member(
        derived_id(unit.enterprise_id, "member", external_id),
        unit.enterprise_id,
        unit.id,
        external_id,
        account_id,
        "",
        "",
        None,
        unit.time_zone,
        False,
        False,
        "",
        1,
        tx.now,
        (),
    )


def _in_zone(profile: Profile, unit: BusinessUnit) -> Profile:
    return profile if profile.time_zone else replace(profile, time_zone=unit.time_zone)


def _announce(tx: Transaction, member: Member, today: date, text: str) -> None:
    tx.publish(MemberChanged(member, today))
    tell(tx, [entry(tx, member, today, text, tx.context.correlation)])
