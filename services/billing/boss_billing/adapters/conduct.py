"""How the simulated processor misbehaves, where a test or an operator wants it to: dictated, or drawn by hash. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from boss_billing.adapters.chance import PER_MILLE, draw, rows_of_script
from boss_billing.batches.rules import SubmittedAttempt


class Behaviour(StrEnum):
    """What a processor does besides deciding; the first two befall a whole batch, once."""

    TIMES_OUT = "times_out"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"
    REVERSED = "reversed"
    NEVER = "never"
    WRONG_AMOUNT = "wrong_amount"
    PROMPT = "prompt"


OF_BATCHES = (Behaviour.TIMES_OUT, Behaviour.LOST)
"""Charged without an answer, and never arrived; the same batch sent again goes well."""

_OF_RESULTS = tuple(one for one in Behaviour if one not in (*OF_BATCHES, Behaviour.PROMPT))

Dictated = Mapping[tuple[str, int], Behaviour]
"""How a token's n-th attempt at an invoice goes, whatever chance says."""


@dataclass(frozen=True)
class Conduct:
    """What is dictated, and of a thousand others how many get which behaviour; by default all is well."""

    dictated: Dictated = field(default_factory=dict)
    per_mille: Mapping[Behaviour, int] = field(default_factory=dict)

    def of_result(self, seed: str, attempt: SubmittedAttempt) -> Behaviour:
        """Say how the result of an attempt comes back."""
        dictated = self.dictated.get((attempt.token, attempt.attempt_no))
        if dictated is not None and dictated not in OF_BATCHES:
            return dictated
        return self._draw(seed, "result", attempt, _OF_RESULTS)

    def of_batch(self, seed: str, attempts: Sequence[SubmittedAttempt]) -> Behaviour:
        """Say what befalls a batch on its first way: dictated for one of its attempts, or by its first."""
        for attempt in attempts:
            dictated = self.dictated.get((attempt.token, attempt.attempt_no))
            if dictated in OF_BATCHES:
                return dictated
        return self._draw(seed, "batch", attempts[0], OF_BATCHES) if attempts else Behaviour.PROMPT

    def _draw(self, seed: str, what: str, attempt: SubmittedAttempt, among: Sequence[Behaviour]) -> Behaviour:
        if not self.per_mille:
            return Behaviour.PROMPT
        shares = [(one, self.per_mille.get(one, 0)) for one in among]
        if not any(share for _, share in shares):
            return Behaviour.PROMPT
        key = (attempt.account_number, attempt.due_date.isoformat(), attempt.description)
        place = draw(seed, "behaviour", what, *key, str(attempt.attempt_no)) % PER_MILLE
        for behaviour, share in shares:
            if place < share:
                return behaviour
            place -= share
        return Behaviour.PROMPT


WELL_BEHAVED = Conduct()


def read_dictated(path: Path) -> Dictated:
    """Read the column `behaviour` of a script; an empty one leaves it to chance. Raises ValueError with the line."""
    dictated = {}
    for line, token, attempt, row in rows_of_script(path):
        word = row.get("behaviour")
        if word and word not in tuple(Behaviour):
            raise ValueError(f"line {line}: {word!r} is no behaviour; they are {', '.join(Behaviour)}")
        if word:
            dictated[token, attempt] = Behaviour(word)
    return dictated


def read_per_mille(parts: Sequence[str]) -> Mapping[Behaviour, int]:
    """Read `late=50`, `twice=30` and so on. Raises ValueError for anything else, or for more than a thousand in all."""
    found = {}
    for part in parts:
        name, _, share = part.partition("=")
        try:
            found[Behaviour(name.strip())] = int(share)
        except ValueError:
            known = ", ".join(one for one in Behaviour if one is not Behaviour.PROMPT)
            raise ValueError(f"{part!r} isn't one of {known} with a number, such as late=50") from None
    if any(share < 0 for share in found.values()) or sum(found.values()) > PER_MILLE:
        raise ValueError("the shares are per mille: from 0 on, and at most 1000 in all")
    return found
