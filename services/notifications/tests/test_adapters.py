"""Providers: email over a real SMTP server, letters and calls in folders (SPEC NOT-2, NOT-5)."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from notification_facts import NOON, TODAY, wav

from boss_kit.errors import Transient
from boss_mail_catcher import MailCatcher
from boss_notifications.adapters.email_message import Email
from boss_notifications.adapters.letter import LetterPress, letter_of
from boss_notifications.adapters.letter_folder import LetterFolder
from boss_notifications.adapters.phone_sandbox import PhoneSandbox
from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message
from boss_notifications.adapters.smtp import SmtpProvider, SmtpServer
from boss_notifications.dispatch.compose import date_in_words
from boss_notifications.intents.rules import Intent, Sender, State

SENDER = Sender(
    "Denver Club",
    "billing@denver.example.com",
    "desk@denver.example.com",
    "(303) 555-0100",
    ("Denver Club", "1200 Larimer St"),
)


def message(channel: str = "Email", message_id: str = "", **values: Any) -> Message:
    intent_values: dict[str, Any] = {
        **{
            name: uuid4()
            for name in ("enterprise_id", "business_unit_id", "id", "step_id", "account_id", "template_id")
        },
        **dict.fromkeys(("contact", "provider", "provider_message_id", "actor", "correlation", "traceparent"), ""),
        "attempt": 0,
        "account_number": "M1",
        "member_id": None,
        "channel": channel,
        "template_display_name": "One",
        "contact_value": "+13035550148" if channel == "Phone" else "chloe@example.com",
        "address_lines": ("2581 Park St", "Denver, CO 80202"),
        "placeholders": {},
        "recipient_name": "Chloé Khan",
        "sender": SENDER,
        "send_date": TODAY,
        "time_zone": "America/Denver",
        "do_not_call": False,
        "email_opt_out": False,
        "state": State.SENDING,
        "sent_time": None,
    }
    intent = Intent(**{**intent_values, **values})
    body = "Dear Chloé,\n\nyou owe <$12.00> & more.\nPlease pay.\n\nYours,\nDenver Club"
    return Message(
        intent,
        message_id or f"{intent.id}@boss.example.com",
        "Your balance",
        body,
        date_in_words(TODAY),
        NOON,
        intent.template_id,
    )


def smtp(catcher: MailCatcher, **values: Any) -> SmtpProvider:
    host, _, port = catcher.smtp_address.rpartition(":")
    return SmtpProvider(SmtpServer(host, int(port), **values))


def one_mail(catcher: MailCatcher) -> EmailMessage:
    (path,) = catcher.mails.path.glob("*.eml")
    found = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_not_5_an_email_carries_its_notification_as_message_id(catcher: MailCatcher) -> None:
    provider = smtp(catcher, query_url=catcher.query_url)
    sent = message(message_id=provider.message_id(uuid4()))
    with provider.open() as session:
        assert [one.fate for one in session.send([sent])] == [Fate.TAKEN]
        assert session.was_taken(sent.message_id) is True
        assert session.was_taken(provider.message_id(uuid4())) is False
    mail = one_mail(catcher)
    assert mail["Message-ID"] == f"<{sent.message_id}>"
    assert mail["Date"].datetime == NOON
    assert mail["From"] == "Denver Club <billing@denver.example.com>"
    assert mail["Reply-To"] == "Denver Club <desk@denver.example.com>"
    assert mail["To"] == "Chloé Khan <chloe@example.com>"
    assert mail["Subject"] == "Your balance"


def test_an_email_says_the_same_in_text_and_html_and_how_to_opt_out(catcher: MailCatcher) -> None:
    with smtp(catcher).open() as session:
        list(session.send([message()]))
    mail = one_mail(catcher)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "you owe <$12.00> & more.\nPlease pay." in plain.get_content().replace("\r\n", "\n")
    assert "you owe &lt;$12.00&gt; &amp; more.<br>Please pay." in html.get_content()
    for part in (plain, html):
        assert "unsubscribe" in part.get_content()
    assert mail["List-Unsubscribe"] == "<mailto:desk@denver.example.com?subject=unsubscribe>"


def test_an_email_has_the_line_ends_that_smtp_asks_for() -> None:
    content = Email(message(), "boss.example.com").to_bytes()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) < 998


@pytest.mark.parametrize("bad", ["", "no address", "a@b.example\r\nBcc: x@example.com"])
def test_a_unit_without_a_usable_sender_still_sends(catcher: MailCatcher, bad: str) -> None:
    sender = Sender("Denver\r\nBcc: x@example.com", bad, bad)
    with smtp(catcher, domain="club.example.com").open() as session:
        assert [one.fate for one in session.send([message(sender=sender)])] == [Fate.TAKEN]
    mail = one_mail(catcher)
    assert mail["From"].addresses[0].addr_spec == "no-reply@club.example.com"
    assert mail["Bcc"] is None


def test_a_provider_that_can_be_asked_is_queryable_any_other_neither(catcher: MailCatcher) -> None:
    assert smtp(catcher, query_url=catcher.query_url).certainty is Certainty.QUERYABLE
    neither = smtp(catcher)
    assert (neither.certainty, neither.batch_size) == (Certainty.NEITHER, 1)
    with neither.open() as session:
        assert session.was_taken("x") is None


def test_a_mail_server_that_is_away_is_transient(catcher: MailCatcher) -> None:
    provider = smtp(catcher, query_url=catcher.query_url)
    catcher.stop()
    with pytest.raises(Transient), provider.open():
        pass


class _Line(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as a test needs; `script` maps a verb to its answer, empty hangs up."""

    server: "_Server"

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        for line in self.rfile:
            verb = line[:4].decode("ascii", "replace").strip().upper()
            answer = self.server.script.get(verb, "250 ok")
            if not answer:
                return
            self.wfile.write(f"{answer}\r\n".encode())
            if verb == "DATA" and answer.startswith("354"):
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                final = self.server.script.get(".", "250 kept")
                if not final:
                    return
                self.wfile.write(f"{final}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, script: dict[str, str]) -> None:
        self.script = {"DATA": "354 go on", **script}
        super().__init__(("127.0.0.1", 0), _Line)


@contextmanager
def scripted(script: dict[str, str]) -> Iterator[SmtpProvider]:
    with _Server(script) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield SmtpProvider(SmtpServer("127.0.0.1", server.server_address[1]))
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("script", "fate", "response", "detail"),
    [
        ({}, Fate.TAKEN, "", ""),
        ({"RCPT": "550 5.1.1 no such user"}, Fate.REFUSED, "Dropped", "Invalid"),
        ({"RCPT": "554 5.7.1 not here"}, Fate.REFUSED, "Bounce", ""),
        ({"RCPT": "450 4.2.0 greylisted"}, Fate.DEFERRED, "", ""),
        ({"MAIL": "530 authenticate first"}, Fate.DEFERRED, "", ""),
        ({"RCPT": ""}, Fate.NOT_TAKEN, "", ""),
        ({"DATA": "451 later"}, Fate.DEFERRED, "", ""),
        ({".": "552 too big"}, Fate.REFUSED, "Bounce", ""),
        ({".": "451 later"}, Fate.DEFERRED, "", ""),
        ({".": ""}, Fate.IN_DOUBT, "", ""),
    ],
)
def test_not_5_each_answer_of_a_mail_server_is_taken_for_what_it_says(
    script: dict[str, str], fate: Fate, response: str, detail: str
) -> None:
    with scripted(script) as provider, provider.open() as session:
        (delivery,) = session.send([message()])
    assert (delivery.fate, delivery.response, delivery.response_detail) == (fate, response, detail)


def test_a_line_that_breaks_is_opened_again_for_the_next_message() -> None:
    with scripted({"RCPT": ""}) as provider, provider.open() as session:
        assert [one.fate for one in session.send([message(), message()])] == [Fate.NOT_TAKEN, Fate.NOT_TAKEN]


def test_not_5_a_question_nobody_answers_is_transient() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/?query=message-id:{{message_id}}"
        with scripted({}) as provider:
            asked = SmtpProvider(SmtpServer("127.0.0.1", provider._server.port, query_url=url))
            with asked.open() as session, pytest.raises(Transient):
                session.was_taken("x")


def test_not_1_a_letter_is_a_pdf_named_by_its_notification(tmp_path: Path) -> None:
    folder = LetterFolder(tmp_path / "letters")
    letter = message("Letter", "one.pdf")
    for _ in range(2):
        with folder.open() as session:
            assert [one.fate for one in session.send([letter])] == [Fate.TAKEN]
    (path,) = (tmp_path / "letters").iterdir()
    assert path.name == "one.pdf"
    assert path.read_bytes().startswith(b"%PDF")
    assert folder.was_taken("one.pdf")
    assert not folder.was_taken("two.pdf")


def test_a_letter_says_who_writes_to_whom_and_when() -> None:
    said = letter_of(message("Letter"))
    assert said["recipient_lines"] == ["Chloé Khan", "2581 Park St", "Denver, CO 80202"]
    assert (said["club"], said["return_lines"]) == ("Denver Club", ["1200 Larimer St"])
    assert said["date"] == "March 10, 2026"
    assert said["paragraphs"] == [
        ["Dear Chloé,"],
        ["you owe <$12.00> & more.", "Please pay."],
        ["Yours,", "Denver Club"],
    ]


def test_the_same_letter_is_the_same_bytes_whatever_its_words_are() -> None:
    press = LetterPress()
    strange = message(
        "Letter", recipient_name='#panic("no") $x$ *b* _i_ @ref \\ "quote" 陳', address_lines=('#import "x"',)
    )
    assert press.pdf(strange) == press.pdf(strange)
    assert press.pdf(message("Letter", recipient_name="", address_lines=(), sender=Sender())).startswith(b"%PDF")


def test_not_1_a_call_is_a_record_and_its_recording_once(tmp_path: Path) -> None:
    template_id, asked = uuid4(), []

    def recording(enterprise_id: UUID, wanted: UUID) -> bytes:
        asked.append(wanted)
        return wav()

    phone = PhoneSandbox(tmp_path / "calls", recording)
    calls = [message("Phone", template_id=template_id) for _ in range(2)]
    with phone.open() as session:
        assert [one.fate for one in session.send([*calls, calls[0]])] == [Fate.TAKEN] * 3
    assert asked == [template_id]
    assert (tmp_path / "calls" / f"{template_id}.wav").read_bytes() == wav()
    record = json.loads((tmp_path / "calls" / f"{calls[0].intent.id}.json").read_text())
    assert (record["number"], record["caller"], record["recording"]) == (
        "+13035550148",
        "(303) 555-0100",
        f"{template_id}.wav",
    )
    assert len(list((tmp_path / "calls").glob("*.json"))) == 2
    assert phone.was_taken(phone.message_id(calls[0].intent.id))


def test_a_folder_that_cant_be_written_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = LetterFolder(tmp_path / "file" / "letters")
    with folder.open() as session:
        (delivery,) = session.send([message("Letter", "one.pdf")])
    assert isinstance(delivery, Delivery)
    assert delivery.fate is Fate.NOT_TAKEN


@pytest.mark.parametrize(
    ("day", "words"), [(date(2026, 11, 22), "November 22, 2026"), (date(2026, 5, 1), "May 1, 2026")]
)
def test_a_letter_writes_its_date_in_words(day: date, words: str) -> None:
    assert date_in_words(day) == words
