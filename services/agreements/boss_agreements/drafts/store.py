"""Tables and SQL of drafts, of sales on their way, and of the people of agreements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.store import Agreement
from boss_agreements.agreements.tables import agreement
from boss_agreements.drafts.rules import DRAFT, Bill, Content, SaleCharge
from boss_agreements.history.rules import PromotionEffect
from boss_agreements.members.store import member
from boss_kit.money import Money

TABLES = sa.MetaData()

draft = sa.Table(
    "draft",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("owner_id", PG_UUID, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("sign_date", sa.Date),
    sa.Column("signed_by", sa.Text, nullable=False),
    sa.Column("sale", JSONB),
    sa.Column("sold_by", sa.Text, nullable=False),
    sa.Column("agreement_id", PG_UUID),
    sa.Column("agreement_number", sa.Text, nullable=False),
    sa.Column("invoice", sa.Text, nullable=False),
    sa.Column("payment", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
    sa.Index("draft_agreement", "enterprise_id", "agreement_id", postgresql_where=sa.text("agreement_id IS NOT NULL")),
    sa.Index("draft_open", "enterprise_id", "business_unit_id", "id", postgresql_where=sa.text("state = 'Draft'")),
    sa.Index("draft_on_its_way", "enterprise_id", "id", postgresql_where=sa.text("state = 'Finalizing'")),
)

sale_line = sa.Table(
    "sale_line",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("line_id", PG_UUID, primary_key=True),
    sa.Column("draft_id", PG_UUID, nullable=False),
    comment="Lines whose first charges their sale answers itself: billing may tell of them before the sale is done.",
)

agreement_party = sa.Table(
    "agreement_party",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("agreement_id", PG_UUID, primary_key=True),
    sa.Column("member_id", PG_UUID, primary_key=True),
    sa.Column("is_owner", sa.Boolean, nullable=False),
    sa.Index("agreement_party_member", "enterprise_id", "member_id"),
)


@dataclass(frozen=True)
class Sale:
    """A sale as it was agreed, kept until it is done: nothing of the catalogue alters it any more."""

    agreement: Agreement
    finalized: date
    charges: tuple[SaleCharge, ...]
    effects: tuple[PromotionEffect, ...]
    account_number: str
    sales_advisors: tuple[str, ...]
    party_ids: tuple[UUID, ...]
    funding_source_id: UUID | None
    tender: str
    collect_date: date
    template_id: UUID
    template_version: int

    @property
    def bill(self) -> Bill:
        """What billing is asked to take."""
        sold = self.agreement
        return Bill(
            sold.enterprise_id,
            sold.business_unit_id,
            sold.account_id,
            self.account_number,
            sold.id,
            self.charges,
            self.funding_source_id,
            self.tender,
            self.finalized if self.tender else self.collect_date,
        )

    @property
    def total(self) -> Money:
        """What is due at sale, with tax."""
        currency = self.agreement.lines[0].price.currency
        return Money(sum(one.amount.amount_minor + one.tax.amount_minor for one in self.charges), currency)


@dataclass(frozen=True)
class Draft:
    """A draft as it is stored."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    owner_id: UUID
    state: str
    content: Content
    version: int
    create_time: datetime
    update_time: datetime
    signature: str = ""
    sign_date: date | None = None
    signed_by: str = ""
    sale: Sale | None = None
    sold_by: str = ""
    agreement_id: UUID | None = None
    agreement_number: str = ""
    invoice: str = ""
    payment: str = ""


_SOLD = ("state", "agreement_number", "invoice", "payment", "version", "update_time")
_CONTENT = TypeAdapter(Content)
_SALE = TypeAdapter(Sale)


def add(connection: sa.Connection, new: Draft) -> None:
    """Add a draft."""
    connection.execute(sa.insert(draft).values(_values(new)))


def save(connection: sa.Connection, changed: Draft) -> None:
    """Write a locked draft."""
    key = (draft.c.enterprise_id == changed.enterprise_id, draft.c.id == changed.id)
    connection.execute(sa.update(draft).where(*key).values(_values(changed)))


def save_sold(connection: sa.Connection, sold: Draft) -> None:
    """Write what a locked draft became; what it holds and how it was sold stays as it was agreed."""
    values = {name: getattr(sold, name) for name in _SOLD}
    key = (draft.c.enterprise_id == sold.enterprise_id, draft.c.id == sold.id)
    connection.execute(sa.update(draft).where(*key).values(values))


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, draft_id: UUID) -> Draft | None:
    """Read a draft of a unit."""
    row = connection.execute(_drafts(enterprise_id, unit_id).where(draft.c.id == draft_id)).one_or_none()
    return _read(row) if row else None


def lock(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, draft_id: UUID) -> Draft | None:
    """Read a draft of a unit and keep others from changing it."""
    query = _drafts(enterprise_id, unit_id).where(draft.c.id == draft_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def page(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, owner_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Draft]:
    """Read a unit's open drafts, oldest first."""
    query = _drafts(enterprise_id, unit_id).where(draft.c.state == DRAFT)
    if owner_id is not None:
        query = query.where(draft.c.owner_id == owner_id)
    if after is not None:
        query = query.where(draft.c.id > after)
    return [_read(row) for row in connection.execute(query.order_by(draft.c.id).limit(limit))]


def on_their_way(connection: sa.Connection, before: datetime, limit: int) -> Sequence[Draft]:
    """Read the sales of all enterprises that were begun before an instant and aren't done."""
    query = sa.select(draft).where(sa.text("state = 'Finalizing'"), draft.c.update_time <= before)
    return [_read(row) for row in connection.execute(query.order_by(draft.c.enterprise_id, draft.c.id).limit(limit))]


def save_signature(connection: sa.Connection, signed: Agreement) -> None:
    """Write how a locked agreement is signed."""
    connection.execute(
        sa.update(agreement)
        .where(agreement.c.enterprise_id == signed.enterprise_id, agreement.c.id == signed.id)
        .values(signature=signed.signature, version=signed.version)
    )


def lock_owner(connection: sa.Connection, enterprise_id: UUID, member_id: UUID) -> None:
    """Let one sale of a member wait for another."""
    query = sa.select(member.c.id).where(member.c.enterprise_id == enterprise_id, member.c.id == member_id)
    connection.execute(query.with_for_update())


def announce_lines(connection: sa.Connection, draft_id: UUID, sold: Agreement) -> None:
    """Keep the ids of the lines that a sale is about to make."""
    rows = [{"enterprise_id": sold.enterprise_id, "line_id": line.id, "draft_id": draft_id} for line in sold.lines]
    connection.execute(insert(sale_line).on_conflict_do_nothing(), rows)


def add_parties(connection: sa.Connection, sold: Agreement, party_ids: Sequence[UUID]) -> None:
    """Keep whom an agreement is for: its owner, and the others of a family or a company."""
    rows = [
        {
            "enterprise_id": sold.enterprise_id,
            "agreement_id": sold.id,
            "member_id": member_id,
            "is_owner": member_id == sold.member_id,
        }
        for member_id in dict.fromkeys((sold.member_id, *party_ids))
    ]
    connection.execute(sa.insert(agreement_party), rows)


def parties_of(connection: sa.Connection, enterprise_id: UUID, agreement_id: UUID) -> Sequence[UUID]:
    """Read whom an agreement is for, its owner first."""
    query = sa.select(agreement_party.c.member_id).where(
        agreement_party.c.enterprise_id == enterprise_id, agreement_party.c.agreement_id == agreement_id
    )
    return connection.scalars(query.order_by(agreement_party.c.is_owner.desc(), agreement_party.c.member_id)).all()


def of_agreement(connection: sa.Connection, enterprise_id: UUID, agreement_id: UUID) -> Draft | None:
    """Read the draft an agreement was sold by."""
    query = sa.select(draft).where(draft.c.enterprise_id == enterprise_id, draft.c.agreement_id == agreement_id)
    row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def holder_of_barcode(
    connection: sa.Connection, enterprise_id: UUID, barcode: str, member_id: UUID, statuses: Collection[str]
) -> str:
    """Give the number of somebody else's agreement in some statuses that has a barcode; empty without one."""
    query = sa.select(agreement.c.number).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.barcode == barcode,
        agreement.c.barcode != "",
        agreement.c.member_id != member_id,
        agreement.c.status.in_(list(statuses)),
    )
    return connection.scalar(query.limit(1)) or ""


def count_add_ons(connection: sa.Connection, enterprise_id: UUID, primary_id: UUID, statuses: Collection[str]) -> int:
    """Count the add-ons of a primary agreement in some statuses."""
    query = sa.select(sa.func.count()).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.primary_agreement_id == primary_id,
        agreement.c.status.in_(list(statuses)),
    )
    return int(connection.scalar(query) or 0)


def announced(connection: sa.Connection, enterprise_id: UUID, line_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Give those of some lines that a sale has announced."""
    query = sa.select(sale_line.c.line_id).where(
        sale_line.c.enterprise_id == enterprise_id,
        sale_line.c.line_id == sa.any_(sa.cast(list(line_ids), ARRAY(PG_UUID))),
    )
    return frozenset(connection.scalars(query))


def _drafts(enterprise_id: UUID, unit_id: UUID) -> "sa.Select[Any]":
    return sa.select(draft).where(draft.c.enterprise_id == enterprise_id, draft.c.business_unit_id == unit_id)


def _values(one: Draft) -> dict[str, object]:
    values = {column.name: getattr(one, column.name) for column in draft.columns}
    values["content"] = _CONTENT.dump_python(one.content, mode="json")
    values["sale"] = _SALE.dump_python(one.sale, mode="json") if one.sale else None
    return values


def _read(row: "sa.Row[Any]") -> Draft:
    values = {column.name: getattr(row, column.name) for column in draft.columns}
    values["content"] = _CONTENT.validate_python(row.content)
    values["sale"] = _SALE.validate_python(row.sale) if row.sale else None
    return Draft(**values)
