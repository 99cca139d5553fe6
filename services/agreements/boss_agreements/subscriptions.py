"""Which events lead to which command."""

from typing import Any

from boss_agreements import events
from boss_agreements.due_charges import commands as due_charges
from boss_agreements.history import commands as history
from boss_agreements.member_statuses import commands as member_statuses
from boss_agreements.members import commands as members
from boss_kit.events.received import Subscription

SUBSCRIPTIONS: tuple[Subscription[Any], ...] = (
    Subscription(events.CHARGE_BILLED, decode=events.decode_charge_billed, handle=due_charges.take_answers),
    Subscription(events.CHARGE_REFUSED, decode=events.decode_charge_refused, handle=due_charges.take_answers),
    Subscription(events.INVOICE_CREATED, decode=events.decode_invoice_created, handle=member_statuses.take_invoices),
    Subscription(
        events.FUNDING_SOURCE_CHANGED, decode=events.decode_funding_source_changed, handle=history.take_funding_changes
    ),
    Subscription(events.CONTACT_INVALIDATED, decode=events.decode_contact_invalidated, handle=members.take_invalidated),
    Subscription(events.CYCLE_OPENED, decode=events.decode_cycle_opened, handle=members.take_cycles),
    Subscription(events.CYCLE_CLOSED, decode=events.decode_cycle_closed, handle=members.ignore_cycles),
)
