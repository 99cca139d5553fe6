"""What an agreement's document says, as texts ready to be set (SPEC AGR-4). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from boss_agreements.agreements.rules import INSTALMENT, ONCE, PAID_IN_FULL, PERPETUAL, AgreementLine
from boss_agreements.documents.wording import full_name, long_date, money, schedule_in_words
from boss_agreements.drafts.pricing import BillDate, Recurring, recurring_amounts
from boss_agreements.drafts.rules import SaleCharge
from boss_agreements.due_charges.rules import pays_days_once, tax_on
from boss_agreements.members.rules import ADDRESS, EMAIL, PHONE, Member
from boss_agreements.templates.rules import PLACEHOLDERS, Template, fill
from boss_kit.days import ONE_DAY
from boss_kit.money import Money

DOT = "  \N{MIDDLE DOT}  "
TENDERS = {"CASH": "in cash", "CHECK": "by check", "CARD": "by card"}


@dataclass(frozen=True)
class Signed:
    """How, when and by whom a signature was noted."""

    signature: str
    day: date | None
    by: str


@dataclass(frozen=True)
class Subject:
    """What a document is about: the agreement as it was sold, and its people."""

    club: str
    number: str
    name: str
    agreement_type: str
    classification: str
    role: str
    start_date: date
    end_date: date | None
    obligation_end_date: date | None
    finalized: date
    owner: Member
    parties: Sequence[Member]
    sales_advisors: Sequence[str]
    lines: Sequence[AgreementLine]
    due: Sequence[SaleCharge]
    tender: str
    collect_date: date
    bill_dates: Sequence[BillDate]
    signed: Signed


@dataclass(frozen=True)
class Person:
    """A party as the document names it."""

    role: str
    name: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    label: str
    note: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A part of the terms: a heading, a list, or the lines of a paragraph."""

    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """Everything a document says, in its order."""

    title: str
    club: str
    number: str
    date: str
    people: tuple[Person, ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Row, ...]
    due: tuple[Row, ...]
    due_total: str
    due_note: str
    recurring: tuple[Row, ...]
    bill_dates: tuple[Row, ...]
    terms: tuple[Block, ...]
    signature_text: str
    signed: str
    sign_date: str
    signer: str
    footer: str
    is_sample: bool = False


def lay_out(subject: Subject, template: Template, *, is_sample: bool = False) -> Document:
    """Fill a template in and put a document together. Raises InvalidArgument for a text that can't be filled in."""
    values = placeholders(subject)
    due_total = _sum([one.amount + one.tax for one in subject.due], subject)
    return Document(
        fill(template.title, values).strip(),
        subject.club,
        subject.number,
        long_date(subject.finalized),
        tuple(_people(subject)),
        tuple((label, value) for label, value in _facts(subject) if value),
        tuple(_line(line, subject.start_date) for line in subject.lines),
        tuple(
            Row(one.item, _period(one.period_start, one.period_end), _cells(one.amount, one.tax)) for one in subject.due
        ),
        money(due_total),
        _due_note(subject, due_total),
        tuple(
            Row(schedule_in_words(one.schedule, subject.start_date).capitalize(), "", _cells(one.amount, one.tax))
            for one in _recurring(subject)
        ),
        tuple(Row(long_date(one.day), "", _cells(one.amount, one.tax)) for one in subject.bill_dates),
        tuple(blocks(fill(template.body, values))),
        fill(template.signature_text, values).strip(),
        _signed(subject.signed),
        long_date(subject.signed.day),
        full_name(subject.owner),
        f"{subject.club}  ·  Agreement {subject.number}  ·  {template.name}, version {template.version}",
        is_sample,
    )


def placeholders(subject: Subject) -> Mapping[str, str]:
    """Give every placeholder of a template its value."""
    start = subject.start_date
    recurring = " and ".join(
        f"{money(one.amount + one.tax)} {schedule_in_words(one.schedule, start)}" for one in _recurring(subject)
    )
    key = next((line for line in subject.lines if line.is_key_item), subject.lines[0])
    values = {
        "agreement_name": subject.name,
        "agreement_number": subject.number,
        "business_unit": subject.club,
        "end_date": long_date(subject.end_date),
        "first_amount": money(_sum([one.amount + one.tax for one in subject.due], subject)),
        "member_address": ", ".join(_address(subject.owner)),
        "member_name": full_name(subject.owner),
        "member_number": subject.owner.external_id,
        "obligation_end_date": long_date(subject.obligation_end_date),
        "recurring_amount": recurring,
        "sales_advisors": ", ".join(subject.sales_advisors),
        "schedule": schedule_in_words(key.schedule, start),
        "start_date": long_date(subject.start_date),
        "today": long_date(subject.finalized),
    }
    return {name: values[name] for name in PLACEHOLDERS}


def blocks(text: str) -> Sequence[Block]:
    """Cut a filled-in text into headings (`# `), lists (`- `) and paragraphs, at its empty lines."""
    found = []
    for part in text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = [line.strip() for line in part.split("\n") if line.strip()]
        for kind, run in groupby(lines, _kind_of):
            found.append(Block(kind, tuple(line.lstrip("#").removeprefix("- ").strip() for line in run)))
    return found


def _kind_of(line: str) -> str:
    if line.startswith("#"):
        return "heading"
    return "list" if line.startswith("- ") else "paragraph"


def _people(subject: Subject) -> Sequence[Person]:
    owner = Person("Member", full_name(subject.owner), (f"No. {subject.owner.external_id}", *_ways(subject.owner)))
    others = [
        Person("Also for", full_name(one), (f"No. {one.external_id}",))
        for one in subject.parties
        if one.id != subject.owner.id
    ]
    advisors = ", ".join(subject.sales_advisors)
    club = Person("Club", subject.club, (f"Your advisor: {advisors}",) if advisors else ())
    return [owner, club, *others]


def _ways(member: Member) -> Sequence[str]:
    usable = [one for one in member.contacts if not one.invalid and one.primary]
    return [
        *_address(member),
        *(one.value for one in usable if one.type == EMAIL),
        *(one.value for one in usable if one.type == PHONE),
    ]


def _address(member: Member) -> Sequence[str]:
    found = next((one for one in member.contacts if one.type == ADDRESS and not one.invalid), None)
    return [line for line in found.address_lines if line.strip()] if found else []


def _facts(subject: Subject) -> Sequence[tuple[str, str]]:
    kind = f"{subject.agreement_type}, {subject.classification}" if subject.classification else subject.agreement_type
    key = next((line for line in subject.lines if line.is_key_item), subject.lines[0])
    term = "Runs on until it is cancelled" if subject.end_date is None else f"Ends on {long_date(subject.end_date)}"
    if key.billing == PERPETUAL and subject.obligation_end_date:
        term = f"{term}, at the earliest after {long_date(subject.obligation_end_date)}"
    return [
        ("Agreement", subject.name),
        ("Type", f"{kind} ({subject.role})" if subject.role != "Primary" else kind),
        ("Starts on", long_date(subject.start_date)),
        ("Term", term),
        ("Payment", _payment_in_words(key, subject.start_date)),
    ]


def _payment_in_words(line: AgreementLine, start: date) -> str:
    if line.billing == PAID_IN_FULL:
        return "Paid in full"
    if line.billing == INSTALMENT:
        return f"In instalments, {schedule_in_words(line.schedule, start)}"
    if pays_days_once(line) and line.term_end_date is not None:
        return f"Once, for {_period(line.start_date or start, line.term_end_date - ONE_DAY)}"
    return "Once" if line.billing == ONCE else schedule_in_words(line.schedule, start).capitalize()


def _line(line: AgreementLine, start: date) -> Row:
    payment = _payment_in_words(line, start)
    what = [line.bundle] if line.bundle and line.bundle != line.item else []
    prices = []
    if line.promotion and line.list_price is not None and line.list_price != line.price:
        prices.append(f"{line.promotion}: {money(line.price)} instead of {money(line.list_price)}")
    prices += [f"{tax.name} {tax.percent.normalize():f}%" for tax in line.taxes]
    notes = [DOT.join([*what, payment[0].lower() + payment[1:]]), DOT.join(prices)]
    label = f"{line.quantity} x {line.item}" if line.quantity > 1 else line.item
    note = "\n".join(one for one in notes if one)
    return Row(label, note, _cells(line.price, tax_on(line.price, line.tax_rate)))


def _recurring(subject: Subject) -> Sequence[Recurring]:
    return recurring_amounts(subject.lines, subject.lines[0].price.currency)


def _due_note(subject: Subject, total: Money) -> str:
    if not total.amount_minor:
        return "Nothing was due at the signing."
    if subject.tender:
        return f"Paid {TENDERS[subject.tender]} on {long_date(subject.finalized)}."
    return f"On account, to be collected on {long_date(subject.collect_date)}."


def _period(first: date, last: date) -> str:
    return f"{long_date(first)} to {long_date(last)}" if first < last else "once"


def _signed(signed: Signed) -> str:
    if not signed.signature or signed.day is None:
        return ""
    how = "electronically" if signed.signature == "electronic" else "on paper"
    return f"Signed {how} on {long_date(signed.day)}" + (f", taken by {signed.by}" if signed.by else "")


def _cells(amount: Money, tax: Money) -> tuple[str, str, str]:
    return money(amount), money(tax), money(amount + tax)


def _sum(amounts: Sequence[Money], subject: Subject) -> Money:
    return Money(sum(one.amount_minor for one in amounts), subject.lines[0].price.currency)
