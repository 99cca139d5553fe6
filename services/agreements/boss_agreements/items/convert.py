"""Items, to and from protos."""

from boss.agreements.v1 import item_service_pb2 as pb

from boss_agreements.agreements.rules import TIME
from boss_agreements.catalogue.convert import given, header, name_at
from boss_agreements.catalogue.rules import Head
from boss_agreements.items.rules import Item, UnitPrice
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto, money_to_proto

ITEMS = "items"
UNIT_ITEM = "enterprises/{e}/businessUnits/{b}/items/{i}"


def read_item(message: pb.Item, head: Head) -> Item:
    """Read an item."""
    price = money_from_proto(message.price, "item.price")
    return Item(
        **given(head, message),
        kind=message.kind,
        basis=message.basis or TIME,
        units=message.units or None,
        validity_days=message.validity_days or None,
        term_months=message.term_months or None,
        price_minor=price.amount_minor,
        currency=price.currency,
        taxes=tuple(message.taxes),
        category=message.category,
    )


def write_item(item: Item) -> pb.Item:
    """Write an item."""
    return pb.Item(
        **header(item, ITEMS),
        kind=item.kind,
        basis=item.basis,
        units=item.units or 0,
        validity_days=item.validity_days or 0,
        term_months=item.term_months or 0,
        price=money_to_proto(item.price),
        taxes=item.taxes,
        category=item.category,
    )


def read_price(message: pb.UnitPrice) -> Money | None:
    """Read what a unit shall charge, where it isn't the item's own price."""
    return money_from_proto(message.price, "unit_price.price") if message.HasField("price") else None


def write_unit_price(one: UnitPrice) -> pb.UnitPrice:
    """Write what a unit charges; the item is named as the unit sees it."""
    return pb.UnitPrice(
        item=name_at(one.item.enterprise_id, one.business_unit_id, ITEMS, one.item.id),
        display_name=one.item.name,
        price=money_to_proto(one.price) if one.price else None,
        shared_price=money_to_proto(one.item.price),
    )
