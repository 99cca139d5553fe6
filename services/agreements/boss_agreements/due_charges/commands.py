"""Close a day for billing, and take billing's answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from boss_agreements.activities.commands import Billed, grant_for
from boss_agreements.agreements.rules import Line
from boss_agreements.cancellations import store as cancellations
from boss_agreements.drafts import store as sales
from boss_agreements.due_charges import rules, store
from boss_agreements.due_charges.store import Answer, DueLine, Terms
from boss_agreements.organization import store as organization
from boss_agreements.organization.queries import not_found as unit_not_found
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import EXTEND_AVAILABILITY, STOP_BILLING, Window
from boss_agreements.timeline.store import Entry, tell
from boss_kit.days import check_year
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction

BILLED, REFUSED = "billed", "refused"


@dataclass(frozen=True)
class ChargeAnswered:
    """What billing says about a charge: it is on an invoice, or it can't be billed and won't be."""

    charge_key: str
    outcome: str
    invoice: str = ""
    reason: str = ""


class Told(NamedTuple):
    """An answer with its day and story."""

    fact: ChargeAnswered
    business_date: date
    correlation: str


def close_bill_dates(tx: Transaction, enterprise_id: UUID, unit_ids: Sequence[UUID], day: date) -> list[int]:
    """Close a bill date of units; tell how many agreements have something due in each. Repeatable.

    Raises NotFound where a unit is missing.
    """
    check_year(day, "bill_date")
    known = organization.lock_units(tx.connection, enterprise_id, unit_ids)
    for unit_id in unit_ids:
        if unit_id not in known:
            raise unit_not_found(unit_id)
    previous = store.newest_closed_of(tx.connection, enterprise_id, unit_ids, before=day)
    closed = store.close(tx.connection, enterprise_id, unit_ids, day, previous, tx.now)
    store.forget_ended(tx.connection, enterprise_id, {unit_id: previous[unit_id] for unit_id in closed & set(previous)})
    due = store.count_due(tx.connection, enterprise_id, unit_ids, day)
    return [due.get(unit_id, 0) for unit_id in unit_ids]


def hold_closed_charges(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID,
    before: Sequence[Line],
    after: Sequence[Line],
    windows: Sequence[Window],
) -> None:
    """Refuse a change of an agreement's lines that would change a charge billing is working on (DESIGN 4).

    Raises FailedPrecondition BILLING_IN_PROGRESS.
    """
    closed = store.newest_closed(tx.connection, enterprise_id, unit_id)
    if closed is not None:
        were = [charge for line in before for charge in rules.charges_through(line, windows, closed)]
        rules.check_kept(were, [one for line in after for one in rules.charges_through(line, windows, closed)], closed)


def take_answers(tx: Transaction, page: Sequence[Received[ChargeAnswered]]) -> None:
    """Advance the lines whose charges billing has answered; an old key changes nothing.

    Raises NotFound for a line nobody knows, FailedPrecondition for an answer that comes before an earlier one.
    """
    by_enterprise: dict[UUID, list[Received[ChargeAnswered]]] = defaultdict(list)
    for received in page:
        by_enterprise[received.event.enterprise_id].append(received)
    for enterprise_id, answers in by_enterprise.items():
        told = [Told(one.fact, one.event.business_date, one.event.correlation) for one in answers]
        _take(tx, enterprise_id, told)


def answer(tx: Transaction, enterprise_id: UUID, day: date, facts: Sequence[ChargeAnswered]) -> None:
    """Take billing's answer to a call: a sale's first charges don't wait for their events, which then change nothing.

    Several charges of one line come in the order of their cycles.
    """
    waves: dict[int, list[Told]] = defaultdict(list)
    seen: dict[UUID, int] = defaultdict(int)
    for fact in facts:
        line_id = rules.parse_key(fact.charge_key).line_id
        waves[seen[line_id]].append(Told(fact, day, tx.context.correlation))
        seen[line_id] += 1
    for wave in waves.values():
        _take(tx, enterprise_id, wave)


def _take(tx: Transaction, enterprise_id: UUID, page: Sequence[Told]) -> None:
    keys = [rules.parse_key(told.fact.charge_key) for told in page]
    lines = {one.id: one for one in store.lock_lines(tx.connection, enterprise_id, [key.line_id for key in keys])}
    unknown = [key.line_id for key in keys if str(key.line_id) not in lines]
    announced = sales.announced(tx.connection, enterprise_id, unknown) if unknown else frozenset()
    windows = suspensions.windows_by_effect(
        tx.connection, enterprise_id, {one.agreement_id for one in lines.values()}, (STOP_BILLING, EXTEND_AVAILABILITY)
    )
    answers: list[Answer] = []
    entries: list[Entry] = []
    billed: list[Billed] = []
    for key, told in zip(keys, page, strict=True):
        line = lines.get(str(key.line_id))
        if line is None:
            # A sale on its way answers its charges itself, when it makes their lines.
            if key.line_id in announced:
                continue
            raise _unknown(told.fact.charge_key)
        step = _step(key, line, windows[STOP_BILLING].get(line.agreement_id), told.fact.charge_key)
        if step is None:
            continue
        fact = told.fact
        answers.append(Answer(line, step, fact.outcome, fact.invoice, fact.reason))
        if fact.outcome == BILLED:
            billed.append(Billed(key, line, step, told.business_date))
        else:
            entries.append(_entry(tx, enterprise_id, line, step.charge, told))
    if answers:
        store.save_answers(tx.connection, enterprise_id, answers, tx.now)
        ended = [UUID(one.line.id) for one in answers if one.step.due_date is None and one.step.after.final_date]
        if ended:
            cancellations.mark_final_invoiced(tx.connection, enterprise_id, ended)
        tell(tx, entries)
        grant_for(tx, enterprise_id, billed, windows[EXTEND_AVAILABILITY])


def _step(key: rules.ChargeKey, line: DueLine, windows: Sequence[Window] | None, text: str) -> rules.Step | None:
    """Give the step that is answered, None for one answered before. Raises FailedPrecondition for one to come."""
    own = line.terms.line
    step = _usual_step(line.terms) if windows is None else rules.step(own, windows)
    if key.kind != rules.kind_of(own) or key.cycle_no > line.cycle_no or (key.cycle_no == line.cycle_no and not step):
        raise FailedPrecondition(
            "CHARGE_NOT_DUE",
            f"The charge {text} is answered, but cycle {line.cycle_no} of its line comes first; answer that one.",
            metadata={"charge_key": text, "cycle_no": str(line.cycle_no)},
        )
    return step if key.cycle_no == line.cycle_no else None


# Most members of a club have bought the same, and few are suspended.
@lru_cache(maxsize=16384)
def _usual_step(terms: Terms) -> rules.Step | None:
    return rules.step(terms.line, ())


def _unknown(charge_key: str) -> NotFound:
    return NotFound(
        "LINE_NOT_FOUND", f"There is no line for the charge {charge_key}.", metadata={"charge_key": charge_key}
    )


def _entry(tx: Transaction, enterprise_id: UUID, line: DueLine, charge: rules.Charge, told: Told) -> Entry:
    subject = f"enterprises/{enterprise_id}/businessUnits/{line.business_unit_id}/agreements/{line.agreement_id}"
    reason = told.fact.reason or "no reason given"
    text = f"{charge.amount} for {line.terms.item}, due {charge.due_date}, was not billed: {reason}"
    return Entry(
        enterprise_id,
        UUID(line.business_unit_id),
        UUID(line.account_id),
        told.business_date,
        "agreement",
        text.rstrip(".") + ".",
        subject,
        told.correlation,
        tx.now,
    )
