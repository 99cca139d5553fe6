"""Make documents after the commit of what they are about (DESIGN 7)."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from boss_agreements.documents import commands, queries
from boss_agreements.documents.rules import Document
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork


class Press(Protocol):
    """Sets documents; the same document is the same bytes."""

    def pdf(self, document: Document, time: datetime) -> bytes:
        """Set a document as PDF."""
        ...


def document_process(units: UnitOfWork, press: Press) -> Callable[[Task], None]:
    """Make the process that sets an agreement's document and keeps it; repeatable, and never overwriting one."""

    def process(task: Task) -> None:
        unit_id, agreement_id = UUID(task.args["business_unit"]), UUID(task.args["agreement"])
        with units.read(task.context) as tx:
            order = queries.order_of(tx, task.enterprise_id, unit_id, agreement_id)
            now = tx.now
        if order is None:
            return
        content = press.pdf(order.document, now)
        with units.begin(task.context) as tx:
            commands.keep(tx, order, unit_id, content)

    return process
