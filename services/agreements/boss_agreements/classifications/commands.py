"""Check classifications before they are saved."""

from boss_agreements.classifications.rules import Classification
from boss_kit.unit_of_work import Transaction


def check_classification(tx: Transaction, classification: Classification) -> Classification:
    """Give a classification as it is kept: it has nothing that could contradict itself."""
    return classification
