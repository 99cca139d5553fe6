"""The tour of docs/tour-agreements.md, played over the five services: sold, suspended, rewritten, cancelled."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from boss.billing.v1 import ledger_service_pb2
from boss.platform.v1 import parked_event_service_pb2, task_service_pb2

from boss_cli.clients import SERVICES
from boss_demo import installation
from boss_demo.tour import PAGE, Tour, open_tour


@dataclass
class Played:
    """A tour that was played, and the page it made."""

    tour: Tour
    page: str

    def answers(self, method: str) -> list[str]:
        """Give what each call of a method printed, in the order of the page."""
        pattern = rf"```sh\nboss call \w+ {re.escape(method)} .*?\n```\n\n```text\n(.*?)\n```"
        return re.findall(pattern, self.page, re.DOTALL)


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    with open_tour() as tour:
        yield Played(tour, tour.play(PAGE.read_text(encoding="utf-8")))


def test_the_page_says_what_the_services_answer(played: Played) -> None:
    """`python -m boss_demo.tour` writes the page anew."""
    assert played.page == PAGE.read_text(encoding="utf-8")


def test_agr_4_sold_for_what_the_quote_said(played: Played) -> None:
    due, invoices = (
        played.answers("AgreementWriterService.QuoteDraft")[2],
        played.answers("InvoiceService.ListInvoices"),
    )
    assert "due_total            101.22 USD" in due
    assert "M286-1  101.22 USD  0.00 USD" in invoices[0]


def test_sus_4_the_missed_cycle_is_billed_once_on_the_first_day_back_and_the_fee_on_the_first(played: Played) -> None:
    assert played.answers("InvoiceService.ListInvoices")[1].splitlines()[2:] == [
        "M286-2  2026-02-10  10.00 USD   0.00 USD",
        "M286-3  2026-02-24  42.22 USD   0.00 USD",
    ]


def test_agr_8_the_cycle_that_was_cut_and_the_last_bill_pay_only_their_days(played: Played) -> None:
    final = played.answers("CancellationService.PreviewCancellation")[0].splitlines()
    # From the 24th to the 15th 22 of 31 days of $39.00, then 6 of 30.
    assert [line.split()[-4] for line in final[1:]] == ["27.68", "7.80"]


def test_agr_10_both_numbers_tell_their_story_in_the_sentences_of_the_text(played: Played) -> None:
    old, new = (answer.splitlines() for answer in played.answers("HistoryService.ListChanges"))
    happened = ("was rewritten", "Freeze to Active", "Active to Freeze", "was marked", "was finalized")
    assert all(words in line for words, line in zip(happened, old, strict=True))
    assert "from active to cancelled effective 4/20/26 with a reason of Moved away which was received on" in new[0]
    assert "was rewritten as #M286-2" in new[1]


def test_nothing_is_left_over_and_the_books_are_balanced(played: Played) -> None:
    clients: Any = played.tour.driver.clients
    for service in SERVICES:
        platform = clients.platform(service)
        parked = parked_event_service_pb2.ListParkedEventsRequest(page_size=10)
        assert not platform.parked_events.ListParkedEvents(parked).parked_events
        failed = task_service_pb2.ListTasksRequest(state=task_service_pb2.Task.STATE_FAILED, page_size=10)
        assert not platform.tasks.ListTasks(failed).tasks
    check = ledger_service_pb2.CheckLedgerRequest(parent=installation.ENTERPRISE)
    proof = clients.billing.ledger.CheckLedger(check)
    assert (proof.balanced, proof.charges_billed_twice) == (True, 0)
