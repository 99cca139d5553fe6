"""The stages of collecting (SPEC COL-4)."""

from dataclasses import dataclass
from datetime import date

from boss_collections.debtors.rules import AccountRef

NOT_SET = "Not Set"
PENDING = "Pending"
SENT = "Sent"
STAGES = (NOT_SET, PENDING, SENT)


@dataclass(frozen=True)
class Stage:
    """How far collecting an account has come; `version` is 0 while nobody has set it."""

    account: AccountRef
    stage: str = NOT_SET
    set_date: date | None = None
    set_by: str = ""
    version: int = 0


@dataclass(frozen=True)
class StageChanged:
    """The fact that an account has another stage."""

    stage: Stage
    business_date: date


def after_hand_over(stage: str) -> str:
    """Tell the stage once ARM has given an account up: it begins to wait, but what was sent isn't called back."""
    return PENDING if stage == NOT_SET else stage
