"""The sentences of the change history against the text they come from (SPEC AGR-10)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from boss_agreements.history import rules
from boss_agreements.history.rules import FreezeFee, FundingState, PromotionEffect
from boss_kit.context import Actor
from boss_kit.money import Money

APPROVER = Actor("Maria Lopez", "Club Manager", "Denver Downtown", "Office 1")
ANNA = Actor("Anna Berg", "Front Desk", "Denver West", "Desk 2", APPROVER)
ALONE = replace(ANNA, approver=None)
FIRST, LAST = date(2014, 6, 1), date(2014, 5, 25)

# Text 003, "Agreement Change History", word for word. Its slips (SPEC AGR-10) are mended in the values below.
NEW = (
    "Agreement #286 (Agreement Name) was finalized on 5/25/14 with a start date of 6/1/14 by (User Name), part of "
    "(Work Role) at (location name) on (Workstation Name). Sales Advisor: (Sales Advisor(s) Name)."
)
CANCELLATION = (
    "Agreement #286 (Agreement Name) status was changed from active (current status) to cancelled effective 6/1/14 "
    "(effective cancel date) with a reason of (Cancellation Reason) which was received on (date cancellation request "
    "was received) and entered by (User Name of person who entered cancellation request) part of (Work Role) at "
    "(location name) on (Workstation Name) and approved by (user who entered request) part of (Work Role) at location "
    "(location name) on (Workstation name)."
)
SIGNATURE = (
    "Agreement #286 (Agreement Name) was marked as (electronically signed or manually signed) on 6/1/14 (date the "
    "agreement was marked as manually signed) by (User Name who marked agreement as manually signed) part of (Work "
    "Role) at (location name) on (Workstation Name) and approved by (user who entered request) part of (Work Role) at "
    "location (location name) on (Workstation name)."
)
SUSPENSION_START = (
    "Agreement #286 (Agreement Name) status was changed from Active (current status) to (Freeze or Hold status) "
    "effective 6/1/14 (suspension start date) with a reason of (suspension reason) which was received on (date "
    "suspension request was received) and entered by (User Name who entered request) part of (Work Role) at location "
    "(location name) on (Workstation name)."
)
SUSPENSION_END = (
    "Agreement #286 (Agreement Name) status was changed from suspension status (hold or freeze status) to Active "
    "(current status) effective 6/1/14 (suspension start date) with a reason of (Suspension Reason) which was received "
    "on (date suspension request was received) and entered by (User Name who entered request) part of (Work Role) at "
    "location (location name) on (Workstation name)."
)
SUSPENSION_END_CHANGED = (
    "Agreement #286 (Agreement Name) suspension end date was changed from (original end date) to (new end date) which "
    "was received on (received date) and entered by (User Name who entered request) part of (Work Role) at (location "
    "name) on (Workstation Name) and approved by (user who entered request) part of work role (Work Role of User) at "
    "(location name) on (Workstation name)."
)
FUNDING_SOURCE = (
    "Agreement #286 (Agreement Name) funding source was changed from (CURRENT Funding Source) to (NEW Funding Source) "
    "by (User Name who changed Funding Source) part of (Work Role) at location (location name) on (Workstation Name) "
    "and approved by (User who entered request) part of work role (Work Role of User) at (location name) on "
    "(Workstation name)."
)
REWRITE = (
    "Agreement #286 (Agreement Name) was rewritten as #287 (New Name) effective 6/1/14 with a reason of (reason) by "
    "(User Name) part of (Work Role) at (location name) on (Workstation Name) and approved by (user who entered "
    "request) part of (Work Role) at location (location name) on (Workstation name)."
)

PEOPLE = (
    ("(Work Role of User)", "Club Manager"),
    ("(user who entered request)", "Maria Lopez"),
    ("(User who entered request)", "Maria Lopez"),
    ("(Agreement Name)", "(Gold Monthly)"),
)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values into a sentence of the text: its explanations go, its placeholders are replaced in their order."""
    before, approval = (*text.split(" and approved by "), "")[:2]
    for placeholder, value in values.items():
        before = before.replace(placeholder, value)
    before = _places(re.sub(r"\((?:User Name)[^)]*\)", "Anna Berg", before), ANNA)
    if not approval:
        return before
    for placeholder, value in PEOPLE:
        approval = approval.replace(placeholder, value)
    return f"{before} and approved by {_places(approval, APPROVER)}"


def _places(text: str, actor: Actor) -> str:
    for placeholder, value in (
        ("(Work Role)", actor.work_role),
        ("(location name)", actor.location),
        ("(Workstation Name)", actor.workstation),
        ("(Workstation name)", actor.workstation),
        ("(Agreement Name)", "(Gold Monthly)"),
        ("(New Name)", "(Platinum Monthly)"),
    ):
        text = text.replace(placeholder, value)
    return text


def test_agr_10_a_new_agreement_names_payment_day_start_and_all_sales_advisors() -> None:
    made = rules.new_agreement("286", "Gold Monthly", LAST, FIRST, ["Ben Ito", "Eva Sy"], ALONE)
    assert made == filled(NEW, {"(Sales Advisor(s) Name)": "Ben Ito, Eva Sy"})


def test_agr_10_a_cancellation_reads_as_the_text_has_it() -> None:
    made = rules.cancellation("286", "Gold Monthly", "Active", FIRST, "Moved away", LAST, ANNA)
    assert made == filled(
        CANCELLATION,
        {
            " (current status)": "",
            " (effective cancel date)": "",
            "(Cancellation Reason)": "Moved away",
            "(date cancellation request was received)": "5/25/14",
        },
    )


def test_agr_10_a_signature_says_electronically_or_manually() -> None:
    for signature, words in (("electronic", "electronically signed"), ("manual", "manually signed")):
        values = {
            "(electronically signed or manually signed)": words,
            " (date the agreement was marked as manually signed)": "",
        }
        assert rules.signature("286", "Gold Monthly", signature, FIRST, ANNA) == filled(SIGNATURE, values)


def test_agr_10_the_start_of_a_suspension_reads_as_the_text_has_it() -> None:
    made = rules.suspension_started("286", "Gold Monthly", "Active", "Freeze", FIRST, "Medical", LAST, ALONE)
    assert made == filled(
        SUSPENSION_START,
        {
            " (current status)": "",
            "(Freeze or Hold status)": "Freeze",
            " (suspension start date)": "",
            "(suspension reason)": "Medical",
            "(date suspension request was received)": "5/25/14",
        },
    )


def test_agr_10_the_end_of_a_suspension_prints_its_end_date() -> None:
    end = date(2014, 7, 15)
    made = rules.suspension_ended("286", "Gold Monthly", "Hold", "Active", end, "Medical", LAST, ALONE)
    assert made == filled(
        SUSPENSION_END,
        {
            "(hold or freeze status)": "Hold",
            " (current status)": "",
            # The text's slip: it prints the start.
            "6/1/14 (suspension start date)": "7/15/14",
            "(Suspension Reason)": "Medical",
            "(date suspension request was received)": "5/25/14",
        },
    )


def test_agr_10_an_altered_end_date_names_the_old_and_the_new_one() -> None:
    made = rules.suspension_end_changed("286", "Gold Monthly", LAST, FIRST, FIRST, ANNA)
    values = {"(original end date)": "5/25/14", "(new end date)": "6/1/14", "(received date)": "6/1/14"}
    assert made == filled(SUSPENSION_END_CHANGED, values)
    assert "from no end date to 6/1/14" in rules.suspension_end_changed("1", "Gold", None, FIRST, FIRST, ANNA)


def test_agr_10_a_rewrite_has_the_same_form() -> None:
    made = rules.rewrite("286", "Gold Monthly", "287", "Platinum Monthly", FIRST, "Upgrade", ANNA)
    assert made == filled(REWRITE, {"(reason)": "Upgrade"})


def test_agr_10_a_funding_source_change_names_both_sources() -> None:
    made = rules.funding_source("286", "Gold Monthly", "VISA ending in 1234", "MC ending in 9876", ANNA)
    values = {"(CURRENT Funding Source)": "VISA ending in 1234", "(NEW Funding Source)": "MC ending in 9876"}
    assert made == filled(FUNDING_SOURCE, values)


def test_agr_10_approved_by_is_left_out_when_nobody_approved() -> None:
    for made in (
        rules.cancellation("286", "Gold Monthly", "Active", FIRST, "Moved away", LAST, ALONE),
        rules.signature("286", "Gold Monthly", "manual", FIRST, ALONE),
        rules.suspension_end_changed("286", "Gold Monthly", LAST, FIRST, FIRST, ALONE),
        rules.rewrite("286", "Gold Monthly", "287", "Platinum Monthly", FIRST, "Upgrade", ALONE),
        rules.funding_source("286", "Gold Monthly", "VISA", "MC", ALONE),
    ):
        assert "approved" not in made
        assert made.endswith(" on Desk 2.")


def test_agr_10_what_is_not_known_of_an_actor_leaves_no_hole() -> None:
    made = rules.signature("286", "Gold Monthly", "electronic", FIRST, Actor("SYS"))
    assert made == "Agreement #286 (Gold Monthly) was marked as electronically signed on 6/1/14 by SYS."


def test_agr_10_a_day_is_written_without_leading_zeros_and_with_two_digits_of_the_year() -> None:
    assert [rules.short_date(day) for day in (FIRST, date(2026, 12, 31), date(2103, 1, 9))] == [
        "6/1/14",
        "12/31/26",
        "1/9/03",
    ]


def test_agr_10_promotions_are_notable_with_their_effect_on_each_item() -> None:
    effect = PromotionEffect("Spring", "Gym access", Money(4500, "USD"), Money(3500, "USD"))
    assert rules.promotion_notes([effect]) == ("Promotion Spring: Gym access 35.00 USD instead of 45.00 USD",)


def test_agr_10_a_cancellation_lists_items_and_comments() -> None:
    assert rules.cancellation_notes(["Gym access", "Locker"], "Knee.") == (
        "Item cancelled: Gym access",
        "Item cancelled: Locker",
        "Comments: Knee.",
    )
    assert rules.cancellation_notes(["Locker"], " ") == ("Item cancelled: Locker",)


def test_agr_10_a_suspension_lists_items_comments_credit_obligation_and_fees() -> None:
    notes = rules.suspension_notes(
        ["Gym access"],
        "Knee.",
        adjustment_reason="Goodwill",
        credit_date=FIRST,
        obligation=(date(2015, 1, 1), date(2015, 2, 1)),
        fees=[
            FreezeFee("Freeze fee", Money(1500, "USD"), is_recurring=False),
            FreezeFee("Monthly freeze fee", Money(500, "USD"), is_recurring=True),
        ],
    )
    assert notes == (
        "Item suspended: Gym access",
        "Comments: Knee.",
        "Adjustment reason: Goodwill, credit takes effect on 6/1/14",
        "obligation date was changed from 1/1/15 to 2/1/15",
        "Freeze charge: Freeze fee, 15.00 USD during the suspension",
        "Recurring charge: Monthly freeze fee, 5.00 USD during the suspension",
    )


CARD = FundingState(
    "VISA",
    "1234",
    (1, 2026),
    is_valid=True,
    is_active=True,
    is_on_account=False,
    is_recurring=True,
    responsibility_percent=100,
)


def test_agr_10_each_notable_change_of_a_funding_source_is_listed() -> None:
    bank = replace(CARD, tender="ACH", last4="9876", expiry=None)
    assert rules.funding_notes(CARD, bank) == (
        "Old type Credit Card VISA with account number ending in 1234; New type ACH with account number ending in 9876",
        "expiration date was changed from 01/2026 to none",
    )
    assert rules.funding_notes(CARD, replace(CARD, expiry=(2, 2029))) == (
        "expiration date was changed from 01/2026 to 02/2029",
    )
    turned = replace(
        CARD, is_valid=False, is_active=False, is_on_account=True, is_recurring=False, responsibility_percent=40
    )
    off = ("Marked as Invalid", "Marked as Inactive", "Marked as On Account", "Marked as not Use for Recurring")
    on = ("Marked as Valid", "Marked as Active", "Marked as not On Account", "Marked as Use for Recurring")
    assert rules.funding_notes(CARD, turned) == (*off, "% of responsibility was changed from 100% to 40%")
    assert rules.funding_notes(turned, CARD) == (*on, "% of responsibility was changed from 40% to 100%")
    assert rules.funding_notes(CARD, CARD) == ()
