"""Check work roles before they are saved."""

from boss_agreements.work_roles.rules import WorkRole
from boss_kit.unit_of_work import Transaction


def check_work_role(tx: Transaction, work_role: WorkRole) -> WorkRole:
    """Give a work role as it is kept: it has nothing that could contradict itself."""
    return work_role
