"""SQL of the import: whole messages at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import psycopg
import sqlalchemy as sa

from boss_agreements.agreements.rules import ENDED_LINE, EXPIRED, LIVE
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_agreements.due_charges.rules import next_charge
from boss_agreements.imports.rules import Checked, fingerprint
from boss_agreements.members.store import contact, member
from boss_agreements.suspensions.rules import COMPLETED, FREEZE, PENDING, RESCINDED, union
from boss_agreements.suspensions.tables import suspended_agreement, suspension
from boss_kit.database import copy_rows
from boss_kit.errors import Aborted
from boss_kit.ids import derived_id

# The first row from each id on, in the order of the unique index: only that index gives it. Of a table which an import
# has just filled PostgreSQL knows nothing yet, and for equal ids it would as soon read the whole enterprise.
_KNOWN = sa.text(
    """
    SELECT wanted.external_id, found.import_hash
    FROM unnest(CAST(:ids AS text[])) AS wanted (external_id)
    CROSS JOIN LATERAL (
        SELECT enterprise_id, external_id, import_hash FROM member
        WHERE (enterprise_id, external_id) >= (CAST(:enterprise_id AS uuid), wanted.external_id)
        ORDER BY enterprise_id, external_id
        LIMIT 1
    ) AS found
    WHERE found.enterprise_id = CAST(:enterprise_id AS uuid) AND found.external_id = wanted.external_id
    """
)
_NUMBERS = sa.text(
    """
    SELECT wanted.number
    FROM unnest(CAST(:ids AS text[])) AS wanted (number)
    CROSS JOIN LATERAL (
        SELECT enterprise_id, number FROM agreement
        WHERE (enterprise_id, number) >= (CAST(:enterprise_id AS uuid), wanted.number)
        ORDER BY enterprise_id, number
        LIMIT 1
    ) AS found
    WHERE found.enterprise_id = CAST(:enterprise_id AS uuid) AND found.number = wanted.number
    """
)


def known_members(connection: sa.Connection, enterprise_id: UUID, external_ids: Sequence[str]) -> Mapping[str, bytes]:
    """Read which external ids are there already, and the hash of the record each came from."""
    rows = connection.execute(_KNOWN, {"enterprise_id": enterprise_id, "ids": list(external_ids)})
    return {row.external_id: bytes(row.import_hash or b"") for row in rows}


def taken_numbers(connection: sa.Connection, enterprise_id: UUID, numbers: Sequence[str]) -> frozenset[str]:
    """Read which agreement numbers are taken."""
    return frozenset(connection.scalars(_NUMBERS, {"enterprise_id": enterprise_id, "ids": list(numbers)}))


def add(connection: sa.Connection, checked: Sequence[Checked], actor: str, now: datetime) -> None:
    """Write records, table by table. Raises Aborted when another import has just written one of them."""
    try:
        _add(connection, checked, actor, now)
    except psycopg.errors.UniqueViolation as error:
        raise Aborted(
            "IMPORT_RACE", "Another import has just brought one of these records; send the message again."
        ) from error


def _add(connection: sa.Connection, checked: Sequence[Checked], actor: str, now: datetime) -> None:
    copy_rows(connection, member, _MEMBER, (_member_row(one, now) for one in checked))
    copy_rows(connection, contact, _CONTACT, (row for one in checked for row in _contact_rows(one)))
    copy_rows(connection, agreement, _AGREEMENT, (_agreement_row(one, now) for one in checked))
    copy_rows(connection, agreement_line, _LINE, (_line_row(one) for one in checked))
    frozen = [_suspension_row(one, actor, now) for one in checked if one.freeze is not None]
    if frozen:
        copy_rows(connection, suspension, _SUSPENSION, frozen)
        covered = [_suspended_row(one) for one in checked if one.freeze is not None]
        copy_rows(connection, suspended_agreement, _SUSPENDED, covered)


_MEMBER = (
    *("enterprise_id", "id", "business_unit_id", "external_id", "account_id", "first_name", "last_name", "birth_date"),
    *("time_zone", "do_not_call", "sms_opt_out", "notes", "import_hash", "version", "create_time"),
)
_CONTACT = (
    *("enterprise_id", "id", "business_unit_id", "member_id", "label", "value", "address_lines", "primary", "invalid"),
    *("arm_purpose", "arm_purpose_by_hand"),
)
_AGREEMENT = (
    *("enterprise_id", "id", "business_unit_id", "number", "member_id", "account_id", "display_name"),
    *("agreement_type", "status", "term", "start_date", "obligation_end_date", "version", "create_time"),
)
_LINE = (
    *("enterprise_id", "id", "business_unit_id", "agreement_id", "account_id", "item", "item_category", "price_minor"),
    *("currency", "schedule", "anchor_day", "cycle_no", "next_bill_date", "due_date", "remaining_cycles"),
    *("term_end_date", "billing", "list_price_minor", "state"),
)
_SUSPENSION = (
    *("enterprise_id", "id", "business_unit_id", "agreement_id", "account_id", "type", "reason", "comments", "status"),
    *("start_date", "end_date", "stop_billing", "entered_by", "create_time", "member_id"),
)
_SUSPENDED = (
    *("enterprise_id", "suspension_id", "agreement_id", "business_unit_id", "account_id", "type", "status"),
    *("start_date", "end_date", "stop_billing"),
)


def _member_row(one: Checked, now: datetime) -> Sequence[object]:
    record = one.record
    return (
        one.unit.enterprise_id,
        one.member_id,
        one.unit.id,
        record.external_id,
        one.account_id,
        record.first_name,
        record.last_name,
        one.birth_date,
        one.time_zone,
        one.do_not_call,
        one.sms_opt_out,
        record.notes,
        fingerprint(record),
        1,
        now,
    )


def _contact_rows(one: Checked) -> Iterable[Sequence[object]]:
    enterprise_id, unit_id = one.unit.enterprise_id, one.unit.id
    return [
        (
            enterprise_id,
            way.id,
            unit_id,
            one.member_id,
            way.label,
            way.value,
            list(way.address_lines),
            way.primary,
            False,
            False,
            False,
        )
        for way in one.contacts
    ]


def _agreement_row(one: Checked, now: datetime) -> Sequence[object]:
    record = one.record
    return (
        one.unit.enterprise_id,
        one.agreement_id,
        one.unit.id,
        record.external_id,
        one.member_id,
        one.account_id,
        record.agreement,
        record.agreement_type,
        one.status,
        record.term,
        one.start_date,
        one.obligation_end_date,
        1,
        now,
    )


def _line_row(one: Checked) -> Sequence[object]:
    line, live = one.line, one.status != EXPIRED
    due_date = line.next_bill_date if line.remaining_cycles != 0 else None
    if one.freeze is not None:
        charge = next_charge(line, union([one.freeze]))
        due_date = charge.due_date if charge else None
    return (
        one.unit.enterprise_id,
        line.id,
        one.unit.id,
        one.agreement_id,
        one.account_id,
        one.record.agreement,
        one.record.agreement_type,
        line.price.amount_minor,
        line.price.currency,
        line.schedule.name,
        line.schedule.anchor_day,
        line.cycle_no,
        line.next_bill_date if live else None,
        due_date,
        line.remaining_cycles,
        line.term_end_date,
        line.billing,
        line.price.amount_minor,
        LIVE if live else ENDED_LINE,
    )


def _suspension_row(one: Checked, actor: str, now: datetime) -> Sequence[object]:
    assert one.freeze is not None
    return (
        one.unit.enterprise_id,
        _suspension_id(one),
        one.unit.id,
        one.agreement_id,
        one.account_id,
        FREEZE,
        FREEZE,
        "",
        _suspension_status(one),
        one.freeze.start,
        one.freeze.end,
        True,
        actor,
        now,
        one.member_id,
    )


def _suspended_row(one: Checked) -> Sequence[object]:
    assert one.freeze is not None
    return (
        one.unit.enterprise_id,
        _suspension_id(one),
        one.agreement_id,
        one.unit.id,
        one.account_id,
        FREEZE,
        _suspension_status(one),
        one.freeze.start,
        one.freeze.end,
        True,
    )


def _suspension_id(one: Checked) -> UUID:
    return derived_id(one.agreement_id, "suspension", "1")


def _suspension_status(one: Checked) -> str:
    assert one.freeze is not None
    over = one.freeze.end is not None and one.freeze.end <= one.today
    return RESCINDED if one.status == EXPIRED else COMPLETED if over else PENDING
