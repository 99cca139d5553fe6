"""The transactions of dispatch: decide, claim, record, settle (SPEC NOT-4, NOT-5)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_kit.unit_of_work import Transaction
from boss_notifications.adapters.port import Delivery, Fate, Message, Provider
from boss_notifications.contact_rules import commands as contact_rules
from boss_notifications.contact_rules import store as contacts
from boss_notifications.contact_rules.rules import Decision, Verdict
from boss_notifications.dispatch.compose import compose
from boss_notifications.dispatch.rules import (
    DEFER,
    NOT_RELEASED,
    PROVIDER_DEFERRED,
    PROVIDER_REFUSED,
    UNKNOWN_FATE,
    Denial,
    denial,
)
from boss_notifications.intents import store as intents_store
from boss_notifications.intents.rules import Intent, NotificationResult, Outcome, State
from boss_notifications.responses import commands as responses
from boss_notifications.responses.rules import ResponseRule
from boss_notifications.responses.store import load_table
from boss_notifications.templates import store as templates_store
from boss_notifications.timeline import commands as story
from boss_notifications.timeline.rules import denied_text, held_text, unknown_text


@dataclass(frozen=True)
class DecidedPage:
    """A page after the local rules: how many there were, and the steps that may go out if ARM agrees."""

    seen: int
    candidates: Sequence[tuple[UUID, UUID]]
    """(notification, step) in the natural order."""


def decide_page(tx: Transaction, provider: Provider, day: date, limit: int) -> DecidedPage:
    """Hold and deny what the local rules stop; leave the others waiting for their release."""
    found = intents_store.lock_due(tx.connection, tx.enterprise_id, provider.channel, day, tx.now, limit)
    if not found:
        return DecidedPage(0, ())
    passed = _sort_out(tx, provider, found, day, place=False)
    return DecidedPage(len(found), [(message.intent.id, message.intent.step_id) for message in passed])


def claim(
    tx: Transaction,
    provider: Provider,
    day: date,
    task_id: UUID,
    candidates: Sequence[UUID],
    refused: Mapping[UUID, str],
) -> list[Message]:
    """Put released notifications into sending; `refused` maps steps to ARM's reason.

    The rules are asked again in this transaction, which also writes the calls as attempts: counter and attempt are one
    (SPEC NOT-4), and what was withdrawn meanwhile stays where it is.
    """
    waiting = intents_store.lock_waiting(tx.connection, tx.enterprise_id, candidates)
    denied = [(intent, _refusal(refused[intent.step_id])) for intent in waiting if intent.step_id in refused]
    released = [intent for intent in waiting if intent.step_id not in refused]
    intents_store.lock_accounts(tx.connection, tx.enterprise_id, [intent.account_id for intent in waiting])
    _deny(tx, denied, day)
    messages = _sort_out(tx, provider, released, day, place=True)
    named = {message.intent.id: message.message_id for message in messages}
    intents_store.put_into_sending(tx.connection, tx.enterprise_id, provider.name, task_id, named, tx.now)
    return messages


def record(tx: Transaction, day: date, deliveries: Sequence[Delivery]) -> None:
    """Write down what became of messages that were handed over."""
    by_fate: dict[Fate, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_fate[delivery.fate].append(delivery)
    states = (State.SENDING, State.UNKNOWN)
    found = intents_store.lock_in_states(tx.connection, tx.enterprise_id, [one.intent_id for one in deliveries], states)
    intents_store.lock_accounts(tx.connection, tx.enterprise_id, [intent.account_id for intent in found])
    of_fate = {fate: _those(found, by_fate[fate]) for fate in Fate}
    _record_sent(tx, of_fate[Fate.TAKEN], day)
    words = {one.intent_id: one for one in by_fate[Fate.REFUSED]}
    _deny(tx, [(intent, _provider_refusal(words[intent.id])) for intent in of_fate[Fate.REFUSED]], day)
    _put_back(tx, of_fate[Fate.NOT_TAKEN])
    _defer(tx, of_fate[Fate.DEFERRED], {one.intent_id: one.reason for one in by_fate[Fate.DEFERRED]})


def settle(tx: Transaction, day: date, intents: Sequence[UUID], decide: Callable[[Intent], Fate]) -> None:
    """End the doubt: TAKEN is recorded, NOT_TAKEN goes back, IN_DOUBT is unknown for good (SPEC NOT-5)."""
    found = intents_store.lock_in_states(tx.connection, tx.enterprise_id, intents, (State.SENDING,))
    intents_store.lock_accounts(tx.connection, tx.enterprise_id, [intent.account_id for intent in found])
    fates: dict[Fate, list[Intent]] = defaultdict(list)
    for intent in found:
        fates[decide(intent)].append(intent)
    _record_sent(tx, fates[Fate.TAKEN], day)
    _put_back(tx, fates[Fate.NOT_TAKEN])
    _give_to_a_person(tx, fates[Fate.IN_DOUBT], day)


def compose_again(tx: Transaction, provider: Provider, day: date, intents: Sequence[Intent]) -> list[Message]:
    """Write messages again, word for word, to repeat them with their keys."""
    templates = templates_store.find(tx.connection, tx.enterprise_id, list({intent.template_id for intent in intents}))
    made = [compose(intent, templates, provider, day, tx.now) for intent in intents]
    return [message for message in made if isinstance(message, Message)]


def _sort_out(tx: Transaction, provider: Provider, found: Sequence[Intent], day: date, *, place: bool) -> list[Message]:
    """Compose and decide; write what is held or denied, give what may go out."""
    templates = templates_store.find(tx.connection, tx.enterprise_id, list({intent.template_id for intent in found}))
    composed = [(intent, compose(intent, templates, provider, day, tx.now)) for intent in found]
    denied = [(intent, made) for intent, made in composed if isinstance(made, Denial)]
    messages = {made.intent.id: made for _, made in composed if isinstance(made, Message)}
    sound = [intent for intent in found if intent.id in messages]
    intents_store.lock_accounts(tx.connection, tx.enterprise_id, [intent.account_id for intent in found])
    passed = []
    held: dict[Decision, list[Intent]] = defaultdict(list)
    for intent, decision in contact_rules.decide(tx, day, sound, place=place) if sound else []:
        if decision.verdict is Verdict.ALLOW:
            passed.append(messages[intent.id])
        elif decision.verdict is Verdict.HOLD:
            held[decision].append(intent)
        elif decision.rule is not None:
            denied.append((intent, denial(decision.rule)))
    for decision, intents in held.items():
        _hold(tx, intents, decision, day)
    _deny(tx, denied, day)
    return passed


def _hold(tx: Transaction, intents: Sequence[Intent], decision: Decision, day: date) -> None:
    values = {"state": State.HELD, "hold_until": decision.until, "rule": decision.rule or "", "update_time": tx.now}
    intents_store.change(tx.connection, tx.enterprise_id, [intent.id for intent in intents], **values)
    until = f"{decision.until:%Y-%m-%d %H:%M} UTC"
    told = [(intent, held_text(intent.channel, intent.template_display_name, until)) for intent in intents]
    story.tell_of(tx, told, day)


def _deny(tx: Transaction, denied: Sequence[tuple[Intent, Denial]], day: date) -> None:
    """Write denials and tell ARM: as a row of the response table where there is one, as not released elsewhere."""
    if not denied:
        return
    table = load_table(tx.connection, tx.enterprise_id)
    alike: dict[tuple[Denial, str], list[Intent]] = defaultdict(list)
    for intent, why in denied:
        alike[why, intent.channel].append(intent)
    for (why, channel), intents in alike.items():
        rule = table.match(channel, why.response, why.response_detail) if why.response else None
        _write_denial(tx, intents, why, rule, day)
        for intent in intents:
            if rule is not None:
                responses.publish_response(tx, intent, rule, why.response, why.response_detail, day)
            else:
                fact = NotificationResult(
                    intent, Outcome.NOT_RELEASED, day, response=why.rule, response_detail=why.reason
                )
                tx.publish(fact, cause=intent.story(day))


def _write_denial(
    tx: Transaction, intents: Sequence[Intent], why: Denial, rule: ResponseRule | None, day: date
) -> None:
    intents_store.change(
        tx.connection,
        tx.enterprise_id,
        [intent.id for intent in intents],
        state=State.NOT_SENT,
        hold_until=None,
        rule=why.rule,
        reason=why.reason,
        response=why.response,
        response_detail=why.response_detail,
        description=rule.description if rule else why.reason,
        result_date=day,
        update_time=tx.now,
    )
    description = rule.description if rule else why.reason
    told = [(intent, denied_text(intent.channel, intent.template_display_name, description)) for intent in intents]
    story.tell_of(tx, told, day)


def _record_sent(tx: Transaction, sent: Sequence[Intent], day: date) -> None:
    if not sent:
        return
    intents_store.mark_sent(tx.connection, tx.enterprise_id, [intent.id for intent in sent], day, tx.now)
    responses.publish_sent(tx, sent, day)
    # A provider may have answered before we wrote down that it was handed over.
    responses.adopt_orphans(tx, sent)


def _defer(tx: Transaction, intents: Sequence[Intent], reasons: Mapping[UUID, str]) -> None:
    _put_back(tx, intents)
    values = {"state": State.HELD, "hold_until": tx.now + DEFER, "rule": PROVIDER_DEFERRED}
    for intent in intents:
        intents_store.change(tx.connection, tx.enterprise_id, [intent.id], **values, reason=reasons[intent.id])


def _put_back(tx: Transaction, intents: Sequence[Intent]) -> None:
    if not intents:
        return
    ids = [intent.id for intent in intents]
    intents_store.change(
        tx.connection,
        tx.enterprise_id,
        ids,
        state=State.REQUESTED,
        provider="",
        provider_message_id="",
        task_id=None,
        update_time=tx.now,
    )
    contacts.drop_attempts(tx.connection, tx.enterprise_id, ids)


def _give_to_a_person(tx: Transaction, intents: Sequence[Intent], day: date) -> None:
    if not intents:
        return
    reason = "The sender stopped between handing it over and writing it down, and the provider can't be asked."
    intents_store.change(
        tx.connection,
        tx.enterprise_id,
        [intent.id for intent in intents],
        state=State.UNKNOWN,
        rule=UNKNOWN_FATE,
        reason=reason,
        description=reason,
        result_date=day,
        update_time=tx.now,
    )
    story.tell_of(tx, [(intent, unknown_text(intent.channel, intent.template_display_name)) for intent in intents], day)
    for intent in intents:
        tx.publish(NotificationResult(intent, Outcome.UNKNOWN, day, response_detail=reason), cause=intent.story(day))


def _refusal(reason: str) -> Denial:
    return Denial(reason or NOT_RELEASED, f"ARM did not release it: {reason or NOT_RELEASED}.")


def _provider_refusal(delivery: Delivery) -> Denial:
    return Denial(PROVIDER_REFUSED, delivery.reason, delivery.response, delivery.response_detail)


def _those(found: Sequence[Intent], deliveries: Sequence[Delivery]) -> list[Intent]:
    wanted = {one.intent_id for one in deliveries}
    return [intent for intent in found if intent.id in wanted]
