"""Which facts notifications hears of, and what it does about each."""

from typing import Any

from boss_kit.events.received import Subscription
from boss_notifications import events
from boss_notifications.contact_rules import commands as contact_rules
from boss_notifications.intents import commands as intents

SUBSCRIPTIONS: tuple[Subscription[Any], ...] = (
    Subscription("boss.agreements.business_unit.v1.changed", events.business_unit_changed, contact_rules.keep_units),
    Subscription("boss.agreements.member.v1.changed", events.member_changed, contact_rules.keep_members),
    Subscription("boss.arm.notification.v1.requested", events.notification_requested, intents.request_notifications),
    Subscription("boss.arm.notification.v1.withdrawn", events.notification_withdrawn, intents.withdraw_notifications),
)
