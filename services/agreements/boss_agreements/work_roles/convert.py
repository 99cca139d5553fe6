"""WorkRoles, to and from protos."""

from boss.agreements.v1 import work_role_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.work_roles.rules import WorkRole

WORK_ROLES = "workRoles"


def read_work_role(message: pb.WorkRole, head: Head) -> WorkRole:
    """Read a work role."""
    return WorkRole(**given(head, message))


def write_work_role(work_role: WorkRole) -> pb.WorkRole:
    """Write a work role."""
    return pb.WorkRole(**header(work_role, WORK_ROLES))
