"""Which facts arm hears of, and what it does about each."""

from typing import Any

from boss_arm import events
from boss_arm.cycles import commands as cycles
from boss_arm.debtors import commands as debtors
from boss_arm.steps import commands as steps
from boss_kit.events.received import Subscription

SUBSCRIPTIONS: tuple[Subscription[Any], ...] = (
    Subscription("boss.agreements.business_unit.v1.changed", events.business_unit_changed, debtors.follow_units),
    Subscription("boss.agreements.member.v1.changed", events.member_changed, debtors.follow_members),
    Subscription("boss.agreements.suspension.v1.started", events.suspension_started, cycles.log_suspensions),
    Subscription("boss.agreements.suspension.v1.end_changed", events.suspension_end_changed, cycles.log_suspensions),
    Subscription("boss.agreements.suspension.v1.ended", events.suspension_ended, cycles.log_suspensions),
    Subscription("boss.billing.payment.v1.declined", events.payment_declined, cycles.enter_on_declines),
    Subscription("boss.billing.account.v1.balance_changed", events.account_balance_changed, cycles.follow_balances),
    Subscription("boss.notifications.notification.v1.result", events.notification_result, steps.apply_results),
)
