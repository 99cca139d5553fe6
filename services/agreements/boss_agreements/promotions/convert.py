"""Promotions, to and from protos."""

from decimal import Decimal

from boss.agreements.v1 import promotion_service_pb2 as pb

from boss_agreements.catalogue.convert import entry_of, given, header, name_at
from boss_agreements.catalogue.rules import Head
from boss_agreements.definitions.convert import DEFINITIONS
from boss_agreements.items.convert import ITEMS
from boss_agreements.promotions.rules import Promotion
from boss_agreements.taxes.rules import parse_percent, percent_text
from boss_kit.rpc.convert import date_from_proto, date_to_proto, optional_date_from_proto

PROMOTIONS = "promotions"


def read_promotion(message: pb.Promotion, head: Head) -> Promotion:
    """Read a promotion."""
    return Promotion(
        **given(head, message),
        start_date=date_from_proto(message.start_date, "promotion.start_date"),
        end_date=optional_date_from_proto(message, "end_date"),
        kind=message.kind,
        percent=parse_percent(message.percent, "promotion.percent") if message.percent else Decimal(0),
        amount_minor=message.amount_minor,
        item_ids=tuple(entry_of(name, ITEMS, "promotion.items").id for name in message.items),
        definition_ids=tuple(entry_of(name, DEFINITIONS, "promotion.definitions").id for name in message.definitions),
        code=message.code.strip(),
    )


def write_promotion(promotion: Promotion) -> pb.Promotion:
    """Write a promotion; what it names is named as its owner sees it."""
    owner = promotion.enterprise_id, promotion.business_unit_id
    return pb.Promotion(
        **header(promotion, PROMOTIONS),
        start_date=date_to_proto(promotion.start_date),
        end_date=date_to_proto(promotion.end_date),
        kind=promotion.kind,
        percent=percent_text(promotion.percent) if promotion.percent else "",
        amount_minor=promotion.amount_minor,
        items=[name_at(*owner, ITEMS, one) for one in promotion.item_ids],
        definitions=[name_at(*owner, DEFINITIONS, one) for one in promotion.definition_ids],
        code=promotion.code,
    )
