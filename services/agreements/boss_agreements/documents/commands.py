"""Keep documents."""

from uuid import UUID

from boss_agreements.documents import store
from boss_agreements.documents.queries import Order
from boss_agreements.documents.store import StoredDocument
from boss_kit.unit_of_work import Transaction


def keep(tx: Transaction, order: Order, unit_id: UUID, content: bytes) -> None:
    """Keep a document that was made for a version of its agreement."""
    agreement, template = order.agreement, order.template
    store.add(
        tx.connection,
        StoredDocument(
            agreement.enterprise_id,
            agreement.id,
            agreement.version,
            unit_id,
            template.id,
            template.version,
            content,
            tx.now,
        ),
    )
