"""Agreement groups, to and from protos."""

from boss.agreements.v1 import group_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.groups.rules import BY_PRIMARY, SHARED, STAY, AgreementGroup

GROUPS = "groups"


def read_group(message: pb.AgreementGroup, head: Head) -> AgreementGroup:
    """Read a group."""
    return AgreementGroup(
        **given(head, message),
        type=message.type,
        add_ons_allowed=message.add_ons_allowed,
        add_ons_max=message.add_ons_max or None,
        on_suspension=message.on_suspension or STAY,
        on_expiry=message.on_expiry or STAY,
        on_batch_cancel=message.on_batch_cancel or STAY,
        payer=message.payer or BY_PRIMARY,
        primary_percent=message.primary_percent if message.payer == SHARED else 100,
    )


def write_group(group: AgreementGroup) -> pb.AgreementGroup:
    """Write a group."""
    return pb.AgreementGroup(
        **header(group, GROUPS),
        type=group.type,
        add_ons_allowed=group.add_ons_allowed,
        add_ons_max=group.add_ons_max or 0,
        on_suspension=group.on_suspension,
        on_expiry=group.on_expiry,
        on_batch_cancel=group.on_batch_cancel,
        payer=group.payer,
        primary_percent=group.primary_percent,
    )
