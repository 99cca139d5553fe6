"""Table and SQL of templates."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_notifications.templates.rules import Recording, Template

METADATA = sa.MetaData()

template = sa.Table(
    "template",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("id", PgUuid, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("placeholders", ARRAY(sa.Text), nullable=False),
    sa.Column("audio", sa.LargeBinary),
    sa.Column("audio_duration_ms", sa.Integer, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    comment="What messages say; insert only.",
)
_WITHOUT_AUDIO = [column for column in template.c if column.name != "audio"]


def add(connection: sa.Connection, made: Template, audio: bytes | None) -> None:
    """Keep a template."""
    connection.execute(
        sa.insert(template).values(
            enterprise_id=made.enterprise_id,
            id=made.id,
            channel=made.channel,
            display_name=made.display_name,
            subject=made.subject,
            body=made.body,
            placeholders=list(made.placeholders),
            audio=audio,
            audio_duration_ms=made.audio_duration_ms,
            create_time=made.create_time,
        )
    )


def find(connection: sa.Connection, enterprise_id: UUID, template_ids: Sequence[UUID]) -> dict[UUID, Template]:
    """Give templates by id, without their recordings."""
    wanted = sa.any_(sa.literal(list(template_ids), ARRAY(PgUuid)))
    rows = connection.execute(
        sa.select(*_WITHOUT_AUDIO).where(template.c.enterprise_id == enterprise_id, template.c.id == wanted)
    )
    return {row.id: template_of(row) for row in rows}


def find_recording(connection: sa.Connection, enterprise_id: UUID, template_id: UUID) -> Recording | None:
    """Give the recording of a template, if it has one."""
    row = connection.execute(
        sa.select(template.c.audio, template.c.audio_duration_ms).where(
            template.c.enterprise_id == enterprise_id, template.c.id == template_id
        )
    ).one_or_none()
    return Recording(bytes(row.audio), row.audio_duration_ms) if row is not None and row.audio is not None else None


def template_of(row: "sa.Row[Any]") -> Template:
    """Read a row."""
    return Template(
        enterprise_id=row.enterprise_id,
        id=row.id,
        channel=row.channel,
        display_name=row.display_name,
        subject=row.subject,
        body=row.body,
        placeholders=tuple(row.placeholders),
        audio_duration_ms=row.audio_duration_ms,
        create_time=row.create_time,
    )
