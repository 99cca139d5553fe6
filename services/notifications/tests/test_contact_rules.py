"""One decision: allow, hold until, or deny with the rule's name (SPEC NOT-4)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_notifications.contact_rules.contacts import is_email_address, possible_number
from boss_notifications.contact_rules.rules import CallHistory, Contact, Profile, Rule, Verdict, may_contact

US = Profile("us", 1, 8, 21, ("Email", "Phone"), 7, 7, 7)
DENVER = ZoneInfo("America/Denver")
# With clocks that go forward and back, by one hour and by half of one, and not at all; on both sides of the date line.
ZONES = (
    *("America/Denver", "America/New_York", "America/Phoenix", "America/St_Johns", "Europe/Berlin"),
    *(
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Honolulu",
        "Asia/Kolkata",
        "America/Sao_Paulo",
        "Africa/Casablanca",
    ),
)
NOON = datetime(2026, 3, 10, 18, tzinfo=UTC)
ONE_DAY = timedelta(days=1)


def phone(zone: ZoneInfo = DENVER, **values: object) -> Contact:
    return Contact(**{"channel": "Phone", "zone": zone, "value": "+13035550148", "number": "+13035550148", **values})  # type: ignore[arg-type]


def instants() -> st.SearchStrategy[datetime]:
    return st.integers(0, 4 * 366 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    )


@pytest.mark.parametrize(
    ("contact", "history", "verdict", "rule"),
    [
        (phone(), CallHistory(), Verdict.ALLOW, None),
        (phone(value=" ", number=""), CallHistory(), Verdict.DENY, Rule.BLANK_NUMBER),
        (phone(value="12", number=""), CallHistory(), Verdict.DENY, Rule.INVALID_NUMBER),
        (phone(do_not_call=True), CallHistory(), Verdict.DENY, Rule.DO_NOT_CALL),
        (phone(), CallHistory(called_today=True), Verdict.DENY, Rule.ALREADY_CALLED_TODAY),
        (phone(), CallHistory(attempts=[NOON - ONE_DAY] * 6), Verdict.ALLOW, None),
        (phone(), CallHistory(attempts=[NOON - ONE_DAY] * 7), Verdict.DENY, Rule.CALL_ATTEMPTS),
        (phone(), CallHistory(attempts=[NOON - 7 * ONE_DAY] * 7), Verdict.ALLOW, None),
        (phone(), CallHistory(conversations=[NOON - 6 * ONE_DAY]), Verdict.DENY, Rule.AFTER_CONVERSATION),
        (phone(), CallHistory(conversations=[NOON - 7 * ONE_DAY]), Verdict.ALLOW, None),
        (Contact("Email", DENVER, valid_email=False), CallHistory(), Verdict.DENY, Rule.INVALID_EMAIL_ADDRESS),
        (Contact("Email", DENVER), CallHistory(attempts=[NOON] * 9), Verdict.ALLOW, None),
        (Contact("Email", DENVER, do_not_call=True), CallHistory(), Verdict.ALLOW, None),
        (Contact("Email", DENVER, email_opt_out=True), CallHistory(), Verdict.DENY, Rule.UNSUBSCRIBED),
        (phone(email_opt_out=True), CallHistory(), Verdict.ALLOW, None),
        (Contact("Letter", DENVER, email_opt_out=True), CallHistory(), Verdict.ALLOW, None),
        (Contact("Letter", DENVER, has_address=False), CallHistory(), Verdict.DENY, Rule.NO_POSTAL_ADDRESS),
    ],
)
def test_not_4_each_rule_decides_what_it_names(
    contact: Contact, history: CallHistory, verdict: Verdict, rule: Rule | None
) -> None:
    decision = may_contact(US, contact, history, NOON)
    assert (decision.verdict, decision.rule) == (verdict, rule)


@pytest.mark.parametrize(("hour", "minute", "allowed"), [(7, 59, False), (8, 0, True), (20, 59, True), (21, 0, False)])
def test_not_4_contact_hours_are_from_eight_to_nine_in_the_evening(hour: int, minute: int, allowed: bool) -> None:
    now = datetime(2026, 3, 10, hour, minute, tzinfo=DENVER).astimezone(UTC)
    assert (may_contact(US, phone(), CallHistory(), now).verdict is Verdict.ALLOW) is allowed


def test_not_4_a_bad_contact_is_denied_even_at_night() -> None:
    night = datetime(2026, 3, 10, 6, tzinfo=UTC)
    assert may_contact(US, phone(value="", number=""), CallHistory(), night).verdict is Verdict.DENY


@given(now=instants(), zone=st.sampled_from(ZONES))
def test_not_4_a_hold_ends_at_the_next_contact_hour_whatever_the_clocks_do(now: datetime, zone: str) -> None:
    contact = phone(ZoneInfo(zone))
    decision = may_contact(US, contact, CallHistory(), now)
    local = now.astimezone(contact.zone)
    assert (decision.verdict is Verdict.ALLOW) is (8 <= local.hour < 21)
    if decision.until is not None:
        assert now < decision.until <= now + timedelta(hours=13)
        assert may_contact(US, contact, CallHistory(), decision.until).verdict is Verdict.ALLOW
        before = decision.until - timedelta(seconds=1)
        assert may_contact(US, contact, CallHistory(), before).verdict is Verdict.HOLD, "no earlier moment is allowed"


@given(
    day=st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    zone=st.sampled_from(ZONES),
    at=st.times(time(8), time(20, 59)),
    days_ago=st.integers(0, 9),
    hour=st.integers(8, 20),
)
def test_not_4_the_window_is_seven_of_the_members_own_days(
    day: date, zone: str, at: time, days_ago: int, hour: int
) -> None:
    contact = phone(ZoneInfo(zone))
    now = datetime.combine(day, at, contact.zone).astimezone(UTC)
    then = datetime.combine(day - timedelta(days=days_ago), time(hour), contact.zone).astimezone(UTC)
    local_days = (now.astimezone(contact.zone).date() - then.astimezone(contact.zone).date()).days
    seven = may_contact(US, contact, CallHistory(attempts=[then] * 7), now)
    spoken = may_contact(US, contact, CallHistory(conversations=[then]), now)
    assert (seven.rule is Rule.CALL_ATTEMPTS) is (local_days < 7)
    assert (spoken.rule is Rule.AFTER_CONVERSATION) is (local_days < 7)


@given(offsets=st.lists(st.integers(0, 40 * 24), max_size=40), zone=st.sampled_from(ZONES))
def test_not_4_no_seven_days_ever_hold_more_than_seven_calls(offsets: list[int], zone: str) -> None:
    contact = phone(ZoneInfo(zone))
    start = datetime(2026, 3, 1, tzinfo=UTC)  # The American and the European change lie ahead.
    placed: list[datetime] = []
    for offset in sorted(offsets):
        now = start + timedelta(hours=offset)
        if may_contact(US, contact, CallHistory(attempts=placed), now).verdict is Verdict.ALLOW:
            placed.append(now)
    days = [instant.astimezone(contact.zone).date() for instant in placed]
    assert all(sum(1 for other in days if day <= other < day + 7 * ONE_DAY) <= 7 for day in days)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(303) 555-0148", "+13035550148"),
        ("977.320.2205", "+19773202205"),
        ("+49 30 901820", "+4930901820"),
        ("555-0148", ""),
        ("12", ""),
        ("", ""),
        ("call me", ""),
        ("+1 303 555 0148 99999", ""),
    ],
)
def test_a_number_must_be_possible_not_valid(text: str, number: str) -> None:
    assert possible_number(text) == number


@pytest.mark.parametrize(
    ("text", "is_address"),
    [
        ("chloe.khan@example.net", True),
        ("a+b@sub.example.com", True),
        ("", False),
        ("a@b", False),
        ("two@example.com, three@example.com", False),
        ("Chloé <c@example.com>", False),
        ("a@example.com\r\nBcc: b@example.com", False),
        ("a@@example.com", False),
        (".a..b@example.com", False),
    ],
)
def test_an_address_is_one_address_and_safe_in_a_header(text: str, is_address: bool) -> None:
    assert is_email_address(text) is is_address
