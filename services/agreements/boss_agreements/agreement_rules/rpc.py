"""AgreementRulesService."""

import grpc
from boss.agreements.v1 import agreement_rules_service_pb2 as pb
from boss.agreements.v1 import agreement_rules_service_pb2_grpc as pb_grpc

from boss_agreements.agreement_rules.commands import check_rules
from boss_agreements.agreement_rules.convert import AGREEMENT_RULES, read_rules, write_rules
from boss_agreements.agreement_rules.store import AGREEMENT_RULES as SHELF
from boss_agreements.catalogue.rpc import Counter
from boss_kit.rpc.door import Door


class AgreementRulesServicer(pb_grpc.AgreementRulesServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, AGREEMENT_RULES, write_rules, check_rules)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_AgreementRulesServiceServicer_to_server(self, server)

    def CreateAgreementRules(
        self, request: pb.CreateAgreementRulesRequest, context: grpc.ServicerContext
    ) -> pb.AgreementRules:
        """Make agreement rules."""
        return self._entries.create(request, lambda head: read_rules(request.agreement_rules, head))

    def GetAgreementRules(
        self, request: pb.GetAgreementRulesRequest, context: grpc.ServicerContext
    ) -> pb.AgreementRules:
        """Read agreement rules."""
        return self._entries.get(request)

    def ListAllAgreementRules(
        self, request: pb.ListAllAgreementRulesRequest, context: grpc.ServicerContext
    ) -> pb.ListAllAgreementRulesResponse:
        """List agreement rules by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListAllAgreementRulesResponse(agreement_rules=rows, next_page_token=token)
        )

    def UpdateAgreementRules(
        self, request: pb.UpdateAgreementRulesRequest, context: grpc.ServicerContext
    ) -> pb.AgreementRules:
        """Replace agreement rules."""
        return self._entries.update(
            request, request.agreement_rules, "agreement_rules", lambda head: read_rules(request.agreement_rules, head)
        )
