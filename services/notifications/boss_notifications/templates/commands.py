"""Making templates."""

from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction
from boss_notifications.templates import store
from boss_notifications.templates.audio import check_recording
from boss_notifications.templates.rules import Draft, Template, check_texts


def create_template(tx: Transaction, draft: Draft) -> Template:
    """Check a template and keep it for good. Raises InvalidArgument, naming the field (SPEC NOT-3, NOT-6)."""
    check_texts(draft)
    recording = check_recording(draft.audio) if draft.audio else None
    made = Template(
        enterprise_id=tx.enterprise_id,
        id=new_id(),
        channel=draft.channel,
        display_name=draft.display_name,
        subject=draft.subject,
        body=draft.body,
        placeholders=draft.placeholders,
        audio_duration_ms=recording.duration_ms if recording else 0,
        create_time=tx.now,
    )
    store.add(tx.connection, made, recording.content if recording else None)
    return made
