"""Bundles, to and from protos."""

from boss.agreements.v1 import bundle_service_pb2 as pb

from boss_agreements.agreements.rules import PERPETUAL
from boss_agreements.bundles.rules import SCHEDULE_DEFAULT, Bundle, BundleLine
from boss_agreements.catalogue.convert import entry_of, given, header, name_at
from boss_agreements.catalogue.rules import Head
from boss_agreements.items.convert import ITEMS

BUNDLES = "bundles"


def read_bundle(message: pb.Bundle, head: Head) -> Bundle:
    """Read a bundle."""
    return Bundle(
        **given(head, message),
        lines=tuple(
            BundleLine(
                entry_of(line.item, ITEMS, f"bundle.lines[{number}].item").id,
                line.quantity or 1,
                line.is_key_item,
                line.schedule,
            )
            for number, line in enumerate(message.lines)
        ),
        billing=message.billing or PERPETUAL,
        schedule=message.schedule or SCHEDULE_DEFAULT,
        obligation_months=message.obligation_months,
    )


def write_bundle(bundle: Bundle) -> pb.Bundle:
    """Write a bundle; its items are named as its owner sees them."""
    return pb.Bundle(
        **header(bundle, BUNDLES),
        lines=[
            pb.BundleLine(
                item=name_at(bundle.enterprise_id, bundle.business_unit_id, ITEMS, line.item_id),
                quantity=line.quantity,
                is_key_item=line.is_key_item,
                schedule=line.schedule,
            )
            for line in bundle.lines
        ],
        billing=bundle.billing,
        schedule=bundle.schedule,
        obligation_months=bundle.obligation_months,
    )
