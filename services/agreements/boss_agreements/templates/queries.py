"""Read templates, as they are and as they were."""

from dataclasses import replace
from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.templates import store
from boss_agreements.templates.rules import Template
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


def get_template(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, template_id: UUID, version: int | None = None
) -> Template:
    """Read a template that a unit sees, as it is or as it was in a version. Raises NotFound."""
    found = get_visible(tx, store.TEMPLATES, enterprise_id, unit_id, template_id)
    if version is None or version == found.version:
        return found
    texts = store.find_version(tx.connection, enterprise_id, template_id, version)
    if texts is None:
        raise NotFound(
            "TEMPLATE_VERSION_NOT_FOUND",
            f"The template {found.name!r} has no version {version}.",
            metadata={"template_id": str(template_id), "version": str(version)},
        )
    title, body, signature_text = texts
    return replace(found, title=title, body=body, signature_text=signature_text, version=version)
