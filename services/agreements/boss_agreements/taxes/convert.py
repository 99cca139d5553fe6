"""Taxes, to and from protos."""

from boss.agreements.v1 import tax_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.taxes.rules import TaxRate, parse_percent, percent_text

TAXES = "taxes"


def read_tax(message: pb.Tax, head: Head) -> TaxRate:
    """Read a tax."""
    return TaxRate(**given(head, message), percent=parse_percent(message.percent, "tax.percent"))


def write_tax(tax: TaxRate) -> pb.Tax:
    """Write a tax."""
    return pb.Tax(**header(tax, TAXES), percent=percent_text(tax.percent))
