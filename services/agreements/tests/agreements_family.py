"""A head with an add-on of another member, for tests of what becomes of one with the other."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from agreements_catalogue import GROUP
from agreements_frozen import TRAINING, Desk

from boss_agreements.agreements.rules import AgreementLine
from boss_kit.ids import derived_id, new_id

START, TERM_END = "2026-01-10", "2026-03-10"


@dataclass
class Family:
    """A head with a term of two months, and a perpetual add-on of another member, both billed on the 10th."""

    desk: Desk
    head_owner: str
    owner: str
    values: dict[str, Any] = field(default_factory=dict)
    head: str = ""
    add_on: str = ""

    def sell(self, *, months: int | None = 2, start: str = START, **policy: str) -> None:
        group = self.desk.catalogue.create(GROUP(display_name="Family", type="Family", add_ons_allowed=True, **policy))
        grouped = {"group_id": UUID(group.name.rpartition("/")[2]), "group_type": "Family"}
        self.head = self.desk.sell(self.head_owner, START, months=months, number="H1", **grouped)
        self.values = {
            "external_id": "M2",
            "role": "Add-on",
            **grouped,
            "primary_agreement_id": UUID(self.head.rpartition("/")[2]),
        }
        self.add_on = self.desk.sell(self.owner, start, TRAINING, number="A1", **self.values)

    def add_on_of(self, *lines: AgreementLine, start: str = START) -> str:
        """Sell the owner another add-on to the head, of other lines."""
        agreement_id = new_id()
        lines = tuple(replace(line, id=derived_id(agreement_id, "line", line.item)) for line in lines)
        return self.desk.add(self.owner.split("/"), agreement_id, lines, start, self.values | {"number": "A2"})

    def status(self) -> tuple[str, str]:
        return self.desk.agreement(self.head).status, self.desk.agreement(self.add_on).status

    def play(self, *days: str) -> list[tuple[str, str, int]]:
        return [billed for text in days for billed in self.desk.play(text)]
