"""The mail catcher keeps what comes, and tells how often."""

import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from boss_mail_catcher import MailCatcher


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    catcher = MailCatcher(tmp_path)
    catcher.start()
    yield catcher
    catcher.stop()


def send(catcher: MailCatcher, *mails: bytes) -> None:
    host, _, port = catcher.smtp_address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as smtp:
        for mail in mails:
            smtp.sendmail("a@example.com", ["b@example.com"], mail)


def mail(message_id: str, date: str = "Tue, 10 Mar 2026 18:00:00 +0000") -> bytes:
    return f"Message-ID: <{message_id}>\r\nDate: {date}\r\nSubject: Hi\r\n\r\nHello.\r\n".encode()


def ask(catcher: MailCatcher, message_id: str) -> int:
    with urllib.request.urlopen(catcher.query_url.replace("{message_id}", message_id), timeout=5) as answer:
        return int(json.load(answer)["messages_count"])


def names(catcher: MailCatcher) -> list[str]:
    return sorted(path.name for path in catcher.mails.path.iterdir())


def test_a_mail_is_a_file_named_by_its_date_and_message_id(catcher: MailCatcher) -> None:
    send(catcher, mail("one@example.com"))
    assert names(catcher) == ["2026-03-10-one@example.com.eml"]
    assert (ask(catcher, "one@example.com"), ask(catcher, "two@example.com")) == (1, 0)


def test_a_message_id_that_comes_twice_is_kept_and_counted_twice(catcher: MailCatcher) -> None:
    send(catcher, mail("one@example.com"), mail("one@example.com"))
    assert names(catcher) == ["2026-03-10-one@example.com.2.eml", "2026-03-10-one@example.com.eml"]
    assert ask(catcher, "one@example.com") == 2


def test_a_new_catcher_remembers_what_the_folder_holds(catcher: MailCatcher, tmp_path: Path) -> None:
    send(catcher, mail("one@example.com"), mail("one@example.com"))
    again = MailCatcher(tmp_path)
    assert again.mails.counts() == {"one@example.com": 2}
    again.start()
    send(again, mail("one@example.com"))
    assert ask(again, "one@example.com") == 3
    again.stop()


def test_no_message_id_leads_out_of_the_folder(catcher: MailCatcher) -> None:
    send(catcher, mail("../../etc/x"), mail("", date="no date"), b"no headers at all")
    assert len(names(catcher)) == 3
    assert all("/" not in name for name in names(catcher))
    assert list(catcher.mails.path.parent.iterdir()) == [catcher.mails.path]


def test_another_question_is_not_found(catcher: MailCatcher) -> None:
    address = catcher.query_url.split("?")[0]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{address}?query=subject:Hi", timeout=5)
