"""Which events billing takes, and which command takes them."""

from boss_billing import events
from boss_billing.suspensions import commands as suspensions
from boss_billing.units import commands as units
from boss_kit.events.received import Subscription

SUBSCRIPTIONS = (
    Subscription(events.UNIT_CHANGED, decode=events.business_unit_changed, handle=units.keep_units),
    Subscription(events.SUSPENSION_STARTED, decode=events.suspension_started, handle=suspensions.keep_started),
    Subscription(events.SUSPENSION_END_CHANGED, decode=events.suspension_end_changed, handle=suspensions.keep_ended),
    Subscription(events.SUSPENSION_ENDED, decode=events.suspension_ended, handle=suspensions.keep_ended),
)
