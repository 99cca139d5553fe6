"""Keep the copy of suspensions that stop billing."""

import re
from collections.abc import Sequence
from uuid import UUID

from boss_billing.suspensions import store
from boss_billing.suspensions.rules import SuspensionEnded, SuspensionStarted
from boss_kit.errors import InvalidArgument
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction

_LAST_ID = re.compile(r".*/([0-9a-f-]{36})")
_UNIT = re.compile(r"enterprises/[0-9a-f-]{36}/businessUnits/([0-9a-f-]{36})/.*")


def keep_started(tx: Transaction, received: Sequence[Received[SuspensionStarted]]) -> None:
    """Write suspensions that took effect."""
    rows = [
        {
            "enterprise_id": one.event.enterprise_id,
            "business_unit_id": _id(_UNIT, one.fact.account),
            "id": _id(_LAST_ID, one.fact.suspension),
            "agreement_id": _suspended(one.fact),
            "account_id": _id(_LAST_ID, one.fact.account),
            "start_date": one.fact.start_date,
            "end_date": one.fact.end_date,
            "stop_billing": one.fact.stop_billing,
        }
        for one in received
    ]
    store.start(tx.connection, rows)


def keep_ended(tx: Transaction, received: Sequence[Received[SuspensionEnded]]) -> None:
    """Write when suspensions ended, or will end now."""
    for one in received:
        suspension_id = _id(_LAST_ID, one.fact.suspension)
        store.end(tx.connection, one.event.enterprise_id, suspension_id, _suspended(one.fact), one.fact.end_date)


def _suspended(fact: SuspensionStarted | SuspensionEnded) -> UUID:
    """Give what is suspended: an agreement, or the account itself where no agreement of it is."""
    return _id(_LAST_ID, fact.agreement or fact.account)


def _id(pattern: re.Pattern[str], name: str) -> UUID:
    match = pattern.fullmatch(name)
    if match is None:
        raise InvalidArgument.field("suspension", f"{name[:120]!r} is no resource name.", "INVALID_NAME")
    return UUID(match[1])
