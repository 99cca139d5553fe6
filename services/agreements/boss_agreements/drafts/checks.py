"""What forbids a sale (SPEC AGR-1, AGR-4, AGR-6). Pure: the business date is an argument."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from boss_agreements.agreement_rules.rules import check_sale
from boss_agreements.agreements.rules import ACTIVE, INSTALMENT, PAID_IN_FULL, PENDING_START, PERPETUAL, PRIMARY
from boss_agreements.definitions.rules import Offer, check_buyer, check_chosen, check_on_sale
from boss_agreements.drafts.rules import ON_ACCOUNT, Content, billing_of, chosen_items, term_months
from boss_agreements.groups.rules import AgreementGroup, check_add_on
from boss_agreements.promotions.rules import Promotion, check_usable
from boss_kit.errors import FailedPrecondition


@dataclass(frozen=True)
class Buyer:
    """What a sale must know of the owner, the group and the primary agreement; `group` is the primary's for add-ons.

    `barcode_holder` is the number of somebody else's agreement that has the barcode.
    """

    is_qualified_member: bool = False
    barcode_holder: str = ""
    group: AgreementGroup | None = None
    primary_status: str | None = None
    live_add_ons: int = 0


@dataclass(frozen=True)
class Problem:
    """Why a draft can't be sold as it is: the rule, the field, and the way out."""

    code: str
    field: str
    text: str

    def error(self) -> FailedPrecondition:
        """Make the refusal."""
        return FailedPrecondition(self.code, self.text, metadata={"field": self.field})


def problems(
    content: Content, offer: Offer, promotions: Sequence[Promotion], buyer: Buyer, today: date
) -> Sequence[Problem]:
    """Find everything that forbids the sale of a draft, the weightiest first."""
    definition, is_online = offer.definition, content.is_online
    quantities = {line.part_id: line.quantity for line in content.lines if line.part_id is not None}
    found = [
        *_asked(lambda: check_on_sale(definition, offer.application, today, online=is_online)),
        *_asked(
            lambda: check_buyer(
                definition,
                is_member=buyer.is_qualified_member,
                barcode=content.barcode,
                manual_funding_source=_is_by_statement(content, offer),
            )
        ),
        *_barcode(buyer),
        *_asked(lambda: check_chosen(offer, quantities)),
        *_key_item(content, offer),
        *_start(content, offer, today),
        *_term(content, offer),
        *_collection(content, today),
    ]
    for promotion in promotions:
        found += _asked(partial(check_usable, promotion, definition.id, content.promotion_code, today))
    return [*found, *_role(content, buyer)]


def _asked(check: Callable[[], None]) -> Iterator[Problem]:
    """Ask a rule of the catalogue, which refuses by itself."""
    try:
        check()
    except FailedPrecondition as refusal:
        yield Problem(refusal.reason, refusal.metadata.get("field", ""), str(refusal))


def _problem(code: str, field: str, words: str) -> Problem:
    return Problem(code, field, f"{field}: {words}")


def _is_by_statement(content: Content, offer: Offer) -> bool:
    """Tell whether something would have to be paid on a statement: it recurs or is on account, and no source pays."""
    billings = {billing_of(content, chosen) for chosen in chosen_items(content, offer)}
    has_bills_to_come = bool(billings & {PERPETUAL, INSTALMENT}) or content.tender == ON_ACCOUNT
    return has_bills_to_come and content.funding_source_id is None


def _barcode(buyer: Buyer) -> Iterator[Problem]:
    if buyer.barcode_holder:
        words = f"the card is on agreement {buyer.barcode_holder} of somebody else; assign another card."
        yield _problem("BARCODE_TAKEN", "barcode", words)


def _key_item(content: Content, offer: Offer) -> Iterator[Problem]:
    if not content.lines:
        yield _problem("NOTHING_CHOSEN", "lines", "nothing is chosen; add a bundle or an item.")
    elif not any(chosen.offered.is_key_item for chosen in chosen_items(content, offer)):
        yield _problem("NO_KEY_ITEM", "lines", "no chosen bundle has a Key Item; choose one that has.")


def _start(content: Content, offer: Offer, today: date) -> Iterator[Problem]:
    if offer.rules is not None and offer.rules.sale_past_days is not None:
        yield from _asked(lambda: check_sale(offer.rules, content.start_date, today))
    elif content.start_date < today:
        words = f"{content.start_date} lies before the business date, {today}; start today."
        yield _problem("START_IN_THE_PAST", "start_date", words)
    else:
        yield from _asked(lambda: check_sale(offer.rules, content.start_date, today))


def _term(content: Content, offer: Offer) -> Iterator[Problem]:
    billings = {billing_of(content, chosen) for chosen in chosen_items(content, offer)}
    if billings & {INSTALMENT, PAID_IN_FULL} and term_months(content, offer) < 1:
        words = "a fixed term lasts as long as its Key Item, which has no term; say how many months it lasts."
        yield _problem("TERM_REQUIRED", "term_months", words)


def _collection(content: Content, today: date) -> Iterator[Problem]:
    if content.collect_date is not None and content.collect_date < today:
        words = f"{content.collect_date} lies before the business date, {today}; collect today."
        yield _problem("COLLECT_DATE_IN_THE_PAST", "collect_date", words)


def _role(content: Content, buyer: Buyer) -> Iterator[Problem]:
    field = "primary_agreement"
    if buyer.group is not None and not buyer.group.active:
        yield _problem("GROUP_INACTIVE", "group", f"{buyer.group.name!r} isn't active; choose another group.")
    if content.role == PRIMARY:
        if content.primary_agreement_id is not None:
            yield _problem("NOT_AN_ADD_ON", field, "is for add-ons; choose the role Add-on.")
    elif content.primary_agreement_id is None:
        yield _problem("PRIMARY_REQUIRED", field, "an add-on needs its primary agreement.")
    elif buyer.primary_status is None:
        yield _problem("PRIMARY_NOT_FOUND", field, "there is no such primary agreement in this business unit.")
    elif buyer.primary_status not in (ACTIVE, PENDING_START):
        words = f"the primary agreement is {buyer.primary_status}; an add-on needs one that runs."
        yield _problem("PRIMARY_NOT_LIVE", field, words)
    elif buyer.group is not None:
        group = buyer.group
        yield from _asked(lambda: check_add_on(group, buyer.live_add_ons))
    else:
        yield _problem("ADD_ONS_NOT_ALLOWED", "group", "the primary agreement's group, Individual, has no add-ons.")
