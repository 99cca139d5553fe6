"""Funding sources and what the card updater says of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id

SOURCE_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/fundingSources/{f}"
BANK_DEBIT = "ACH"
MANUAL = "Manual"
"""Statement billing: the account is invoiced and pays by itself (SPEC BIL-1)."""
TENDERS = ("VISA", "MC", "DISC", "AMEX", BANK_DEBIT)
WHOLE_PERCENT = 100


class UpdateOutcome(StrEnum):
    """What the card updater says (SPEC BIL-4)."""

    NEW_NUMBER = "new number"
    NEW_EXPIRY = "new expiry"
    CLOSED = "closed"
    CONTACT_HOLDER = "contact holder"
    NO_CHANGE = "no change"
    NO_ANSWER = "no answer"


CURES = (UpdateOutcome.NEW_NUMBER, UpdateOutcome.NEW_EXPIRY)
"""The outcomes after which the payment is tried once more."""


class FundingSource(NamedTuple):
    """A processor token and what it may be used for."""

    id: UUID
    account: AccountRef
    tender: str
    token: str
    last4: str
    expiry_month: int
    expiry_year: int
    is_primary: bool
    is_recurring: bool
    is_valid: bool
    responsibility_percent: int
    version: int
    is_active: bool = True
    is_on_account: bool = False

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"{self.account.name}/fundingSources/{self.id}"


@dataclass(frozen=True, slots=True)
class FundingSourceChanged:
    """State: a source was added or changed: `imported`, `created`, by the `card_updater`, by `staff`, or `declined`."""

    source: FundingSource
    previous_last4: str
    reason: str
    business_date: date
    previous: FundingSource | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """New data of a card; what is empty or 0 stays as it was."""

    token: str = ""
    last4: str = ""
    expiry_month: int = 0
    expiry_year: int = 0


@dataclass(frozen=True, slots=True)
class Inquiry:
    """An inquiry as it is answered; one made ahead of a bill day has no payment."""

    id: UUID
    account_id: UUID
    payment_id: UUID | None
    funding_source_id: UUID
    state: str


@dataclass(frozen=True, slots=True)
class SubmittedInquiry:
    """A question to the card updater about one card: after a decline, or ahead of a bill day."""

    inquiry_id: UUID
    account_number: str
    tender: str
    token: str
    last4: str
    expiry_month: int
    expiry_year: int
    bill_date: date | None = None


NOTHING_NEW = CardUpdate()


def source_id(account_id: UUID) -> UUID:
    """Derive the id of an imported account's one source."""
    return derived_id(account_id, "funding-source", "1")


def update(source: FundingSource, change: CardUpdate) -> FundingSource:
    """Give the source with its new data. One that was made invalid stays so: new digits don't take a stop back."""
    return source._replace(
        token=change.token or source.token,
        last4=change.last4 or source.last4,
        expiry_month=change.expiry_month or source.expiry_month,
        expiry_year=change.expiry_year or source.expiry_year,
        version=source.version + 1,
    )


def told_of(source: FundingSource) -> FundingSource:
    """Give the source as the card updater left it that had nothing new for it: only what was said is news."""
    return source._replace(version=source.version + 1)


def check_update(tender: str, change: CardUpdate) -> None:
    """Refuse data that can't be a card's or a bank debit's. Raises InvalidArgument."""
    if not change.token.strip():
        raise InvalidArgument.field("funding_source.token", "is empty; give the processor's token.")
    if len(change.last4) != 4 or not (change.last4.isascii() and change.last4.isdigit()):
        raise InvalidArgument.field("funding_source.last4", "must be four digits.")
    if tender == BANK_DEBIT:
        if change.expiry_month or change.expiry_year:
            raise InvalidArgument.field("funding_source.expiry_month", "a bank debit has no expiry; leave it 0.")
    elif not 1 <= change.expiry_month <= 12:
        raise InvalidArgument.field("funding_source.expiry_month", "must be a month from 1 to 12.")
    elif not 2000 <= change.expiry_year <= 2099:
        raise InvalidArgument.field("funding_source.expiry_year", "must be a year such as 2027.")


def by_card(
    sources: Sequence[FundingSource], paid: Mapping[UUID, int]
) -> tuple[Sequence[FundingSource], Mapping[UUID, int]]:
    """Let sources of one card or bank account be one, with all their responsibility and what they `paid` together.

    Its holder is asked once for one invoice: each time counts for the networks (SPEC BIL-5). A source that isn't valid
    stays by itself, as nobody else is charged for it.
    """
    groups: dict[tuple[str, str, bool], list[FundingSource]] = {}
    for source in sources:
        groups.setdefault((source.tender, source.token, source.is_valid), []).append(source)
    if len(groups) == len(sources):
        return sources, paid
    asked, together = [], dict(paid)
    for mine in groups.values():
        first = next((one for one in mine if one.is_primary), mine[0])
        asked.append(first._replace(responsibility_percent=sum(one.responsibility_percent for one in mine)))
        together[first.id] = sum(paid.get(one.id, 0) for one in mine)
    return asked, together


def split(
    amount_minor: int,
    sources: Sequence[FundingSource],
    total_minor: int = 0,
    paid: Mapping[UUID, int] | None = None,
) -> list[tuple[FundingSource, int]]:
    """Split an amount over recurring sources by their responsibility; what rounding leaves is the primary's (SPEC 0).

    With the invoice's total and what each source has `paid` of it, each is asked for its own rest only. The share of a
    source that isn't valid is left out: nobody else is charged for it.
    """
    if not sources:
        return []
    if len(sources) == 1 and not paid:
        return [(sources[0], amount_minor)] if amount_minor > 0 and sources[0].is_valid else []
    percents = [source.responsibility_percent for source in sources]
    first = next((index for index, source in enumerate(sources) if source.is_primary), 0)
    shares = _share(amount_minor, percents, WHOLE_PERCENT, first)
    if paid:
        whole = _share(total_minor, percents, WHOLE_PERCENT, first)
        rests = [max(0, share - paid.get(source.id, 0)) for share, source in zip(whole, sources, strict=True)]
        shares = _share(amount_minor, rests, sum(rests), first) if any(rests) else shares
    return [(source, share) for source, share in zip(sources, shares, strict=True) if share > 0 and source.is_valid]


def _share(amount_minor: int, weights: Sequence[int], whole: int, first: int) -> list[int]:
    shares = [amount_minor * weight // whole for weight in weights]
    shares[first] += amount_minor - sum(shares)
    return shares
