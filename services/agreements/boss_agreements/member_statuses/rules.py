"""What a person is to a club, derived from what the person has signed (SPEC AGR-5). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from boss_agreements.agreements.rules import LIVE_STATUSES
from boss_kit.days import add_months

MEMBER, RECENT_MEMBER, CUSTOMER, PROSPECT = "Member", "Recent Member", "Customer", "Prospect"
SUSPENDED = ("Freeze", "Hold")


@dataclass(frozen=True)
class Signed:
    """An agreement of a person; `last_day` is the last one of what is over, `qualifies` makes its owner a member."""

    number: str
    name: str
    status: str
    qualifies: bool
    last_day: date | None

    @property
    def makes_member(self) -> bool:
        """Tell whether it makes its owner a Member now; a suspended one does, and so does one that begins later."""
        return self.qualifies and self.status in LIVE_STATUSES


@dataclass(frozen=True)
class PersonStatus:
    """What a person is, and why."""

    status: str
    reason: str


def status_of(
    signed: Sequence[Signed], today: date, recent_member_months: int, bought: date | None = None
) -> PersonStatus:
    """Derive a person's status: Member before Recent Member before Customer before Prospect (SPEC AGR-5).

    A suspended agreement still makes a Member. One that is over makes a Recent Member for so many months. `bought` is
    the day the account first bought something outside an agreement.
    """
    live = [one for one in signed if one.makes_member]
    if live:
        best = min(live, key=lambda one: (one.status in SUSPENDED, one.number))
        still = "; who is suspended is still a Member" if best.status in SUSPENDED else ""
        return PersonStatus(MEMBER, f"Has the agreement {_title(best)}, {best.status}{still}.")
    over = [one for one in signed if one.qualifies and one.last_day is not None]
    if over:
        last = max(over, key=lambda one: (one.last_day or date.min, one.number))
        assert last.last_day is not None
        until = add_months(last.last_day, recent_member_months, last.last_day.day)
        if today < until:
            return PersonStatus(
                RECENT_MEMBER, f"The agreement {_title(last)} ended on {last.last_day}; recent until {until}."
            )
    if signed:
        latest = max(signed, key=lambda one: (one.status in LIVE_STATUSES, one.number))
        return PersonStatus(CUSTOMER, f"Bought {_title(latest)}, {latest.status}, which makes no Member now.")
    if bought is not None:
        return PersonStatus(CUSTOMER, f"Bought something without an agreement, first on {bought}.")
    return PersonStatus(PROSPECT, "Has bought nothing yet.")


def _title(one: Signed) -> str:
    return f"{one.number} ({one.name})"
