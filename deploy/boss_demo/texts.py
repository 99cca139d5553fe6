"""What the demo's clubs write to members whose payment was declined, and when."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One template."""

    channel: str
    display_name: str
    subject: str = ""
    body: str = ""


@dataclass(frozen=True)
class Step:
    """One line of the schedule."""

    template: str
    description: str
    day_offset: int
    past_due_min_units: int


TEMPLATES = {
    "friendly_email": Text(
        "Email",
        "Friendly reminder",
        "Your payment to {{ club_name }} didn't go through",
        "Hello {{ first_name }},\n\n"
        "We tried to collect your membership payment and your bank declined it. That happens to "
        "the best of us: an expired "
        "card is the usual reason.\n\n"
        "Your balance is {{ past_due_balance }}. You can settle it at the front desk, or write to "
        "{{ reply_to_address }} "
        "and we will find a way together.\n\n"
        "See you soon,\n{{ club_name }}",
    ),
    "call": Text("Phone", "Recorded call"),
    "second_email": Text(
        "Email",
        "Second reminder",
        "{{ first_name }}, {{ past_due_balance }} is still open at {{ club_name }}",
        "Hello {{ first_name }},\n\n"
        "It is {{ days_in_arm }} days since your payment was declined, and {{ past_due_balance }} is still open on "
        "your account {{ account_number }}.\n\n"
        "If something has changed for you, tell us: we can pause a membership. Otherwise please "
        "settle the balance this "
        "week, at the front desk or by calling {{ caller_number }}.\n\n"
        "Thank you,\n{{ club_name }}",
    ),
    "letter": Text(
        "Letter",
        "Letter",
        "Past due balance on account {{ account_number }}",
        "Dear {{ first_name }} {{ last_name }},\n\n"
        "the payment that your bank declined on {{ sent_date }} is still open. As of today {{ past_due_balance }} is "
        "past due on your account.\n\n"
        "Please pay at the front desk, or call {{ caller_number }} so that we can agree on how. If you think this is a "
        "mistake, tell us and we will look at it together.\n\n"
        "Yours sincerely,\n{{ club_name }}",
    ),
    "final_letter": Text(
        "Letter",
        "Final letter",
        "Final notice for account {{ account_number }}",
        "Dear {{ first_name }} {{ last_name }},\n\n"
        "this is our last letter. {{ past_due_balance }} is still open, {{ days_in_arm }} days after your payment was "
        "declined. If it isn't settled within ten days we will hand the account to a collections agency, which neither "
        "of us wants.\n\n"
        "A call to {{ caller_number }} is enough to stop it.\n\n"
        "Yours sincerely,\n{{ club_name }}",
    ),
}

STEPS = (
    Step("friendly_email", "Friendly email: payment declined", 0, 0),
    Step("call", "First call: please contact the club", 3, 0),
    Step("second_email", "Second email: balance still open", 7, 10),
    Step("letter", "Letter: past due balance", 14, 10),
    Step("call", "Second call: please contact the club", 21, 20),
    Step("final_letter", "Final letter before collections", 30, 20),
)
