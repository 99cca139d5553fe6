"""Agreement rules, to and from protos."""

from dataclasses import fields
from typing import Any

from boss.agreements.v1 import agreement_rules_service_pb2 as pb

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Entry, Head

AGREEMENT_RULES = "agreementRules"
_DAYS = sorted({field.name for field in fields(AgreementRules)} - {field.name for field in fields(Entry)})


def read_rules(message: pb.AgreementRules, head: Head) -> AgreementRules:
    """Read agreement rules."""
    limits: dict[str, Any] = {name: getattr(message, name) if message.HasField(name) else None for name in _DAYS}
    return AgreementRules(**given(head, message), **limits)


def write_rules(rules: AgreementRules) -> pb.AgreementRules:
    """Write agreement rules."""
    return pb.AgreementRules(**header(rules, AGREEMENT_RULES), **{name: getattr(rules, name) for name in _DAYS})
