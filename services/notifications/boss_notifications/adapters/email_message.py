"""The email itself: plain text and HTML of the same words."""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from importlib import resources

import jinja2

from boss_notifications.adapters.port import Message
from boss_notifications.contact_rules.contacts import is_email_address

UNSUBSCRIBE = "unsubscribe"
_POLICY = policy.SMTP.clone(max_line_length=76)


def make_email(message: Message, domain: str) -> EmailMessage:
    """Write a notification as an email whose Message-ID is its own (SPEC NOT-5), with a way to opt out."""
    intent, sender = message.intent, message.intent.sender
    club = _one_line(sender.display_name) or "Your club"
    from_address = sender.from_address if is_email_address(sender.from_address) else f"no-reply@{domain}"
    reply_to = sender.reply_to_address if is_email_address(sender.reply_to_address) else from_address
    email = EmailMessage(policy=_POLICY)
    email["Message-ID"] = f"<{message.message_id}>"
    email["Date"] = message.time
    email["From"] = Address(club, addr_spec=from_address)
    email["Reply-To"] = Address(club, addr_spec=reply_to)
    email["To"] = Address(_one_line(intent.recipient_name), addr_spec=intent.contact_value)
    email["Subject"] = message.subject
    email["Auto-Submitted"] = "auto-generated"
    email["List-Unsubscribe"] = f"<mailto:{reply_to}?subject={UNSUBSCRIBE}>"
    email.set_content(_plain(message.body, club), charset="utf-8", cte="quoted-printable")
    page = _page().render(
        subject=message.subject,
        club=club,
        monogram=club[:1].upper(),
        paragraphs=_paragraphs(message.body),
        address_lines=sender.return_address_lines,
        caller_number=sender.caller_number,
        reply_to=reply_to,
        unsubscribe=UNSUBSCRIBE,
    )
    email.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    email.set_boundary(f"boss-{intent.id.hex}")
    return email


def _plain(body: str, club: str) -> str:
    return (
        f"{body.strip()}\n\n-- \n{club}\n"
        f'No more emails like this? Answer with "{UNSUBSCRIBE}" as the subject, and {club} will stop sending them.\n'
    )


def _paragraphs(body: str) -> list[list[str]]:
    """Split a text at its blank lines; a paragraph is a list of lines."""
    blocks = body.replace("\r\n", "\n").strip().split("\n\n")
    return [block.strip("\n").split("\n") for block in blocks if block.strip()]


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _page() -> jinja2.Template:
    text = resources.files("boss_notifications").joinpath("adapters/email.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
