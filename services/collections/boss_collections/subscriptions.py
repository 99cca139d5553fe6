"""Which facts collections hears of, and what it does about each."""

from typing import Any

from boss_collections import events
from boss_collections.debtors import commands as debtors
from boss_collections.hand_overs import commands as hand_overs
from boss_kit.events.received import Subscription

SUBSCRIPTIONS: tuple[Subscription[Any], ...] = (
    Subscription("boss.agreements.business_unit.v1.changed", events.business_unit_changed, debtors.learn_units),
    Subscription("boss.agreements.member.v1.changed", events.member_changed, debtors.learn_holders),
    Subscription("boss.agreements.agreement.v1.changed", events.agreement_changed, debtors.learn_agreements),
    Subscription("boss.billing.account.v1.balance_changed", events.account_balance_changed, debtors.record_balances),
    Subscription("boss.arm.cycle.v1.opened", events.cycle_opened, debtors.enter_arm),
    Subscription("boss.arm.cycle.v1.closed", events.cycle_closed, debtors.leave_arm),
    Subscription("boss.arm.cycle.v1.handed_to_collections", events.handed_to_collections, hand_overs.take_over),
)
