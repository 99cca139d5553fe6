"""A club whose processor works with files, and the processor's end of where they lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from callback_calls import PARENT
from club import DENVER, ENTERPRISE_ID, Club, due, unit_id

from boss_billing.adapters.file_pickup import FilePickup
from boss_billing.adapters.file_processor import FileProcessor
from boss_billing.adapters.places import Place
from boss_billing.callbacks.owners import Owners
from boss_billing.callbacks.refunds import apply_refund_results, keep_refund_results
from boss_billing.callbacks.returns import apply_returns, keep_returns
from boss_billing.callbacks.rules import RefundCallback, ResultCallback, UpdateCallback
from boss_billing.clients import OwnCallbackDoor

Change = Callable[[list[str]], list[str]]


class Bank:
    """The other end of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def requests(self) -> list[Path]:
        return sorted((self.folder / "requests").glob("*.txt"))

    def answer(self, request: Path, code: str = "A01", change: Change | None = None, name: str = "") -> Path:
        """Answer each row of a request, then change the file's lines."""
        header, *rows, _ = request.read_text().splitlines()
        lines = [f"{header}|submission_id|transaction_id|response_code|response_message"]
        lines += [f"{row}|s{number}|t{number}|{code}|Said so" for number, row in enumerate(rows)]
        lines.append(f"trailer|{len(rows)}")
        path = self.folder / "responses" / (name or request.name)
        path.write_text("".join(f"{line}\n" for line in (change(lines) if change else lines)))
        return path

    def refusal(self, place: str = "responses") -> str:
        """Give what was said of the one refused file, and see that it was put aside."""
        assert not list((self.folder / place).glob("*.txt"))
        (error,) = (self.folder / "refused" / place).glob("*.error")
        assert error.with_suffix("").is_file()
        return error.read_text().strip()


@dataclass
class Exchange:
    """Where the files lie: as billing comes to them, and as the processor's own folder."""

    place: Place
    folder: Path


class Files:
    """A club whose processor works with files."""

    refusal = staticmethod(OwnCallbackDoor.refusal)

    def __init__(self, club: Club, exchange: Exchange, *, keeps_taken: bool = False) -> None:
        self.club = club
        self.place = exchange.place
        self.bank = Bank(exchange.folder)
        self.processor = FileProcessor(exchange.place, keeps_taken=keeps_taken)
        self.owners = Owners(club.units)
        self.pickup = FilePickup(exchange.place, self, self.owners, settle_s=0)
        club.wire = self.processor  # type: ignore[assignment]

    def bill(self, *numbers: str, unit: str = DENVER) -> Path:
        for number in numbers:
            account = self.club.add_account(number, business_unit=unit)
            self.club.due.unit_of[account.id] = account.business_unit_id
        self.club.due.charges = [due(number) for number in numbers]
        before = set(self.bank.requests())
        self.club.bill(unit=unit)
        (request,) = set(self.bank.requests()) - before
        return request

    def read(self) -> None:
        task: Any = None
        self.pickup.read(task)

    def report_results(self, enterprise_id: UUID, results: Any) -> None:
        assert enterprise_id == ENTERPRISE_ID
        assert all(isinstance(one, ResultCallback) for one in results)
        self.club.report(*results)

    def report_refund_results(self, enterprise_id: UUID, results: Any) -> None:
        assert enterprise_id == ENTERPRISE_ID
        assert all(isinstance(one, RefundCallback) for one in results)
        with self.club.units.begin(self.club.context()) as tx:
            keep_refund_results(tx, results)
        with self.club.units.begin(self.club.context()) as tx:
            apply_refund_results(tx, [one.callback_id for one in results])

    def report_updates(self, enterprise_id: UUID, updates: Any) -> None:
        assert all(isinstance(one, UpdateCallback) for one in updates)
        self.club.report_updates(*updates)

    def report_returns(self, enterprise_id: UUID, returns: Any) -> None:
        assert enterprise_id == ENTERPRISE_ID
        with self.club.units.begin(self.club.context()) as tx:
            keep_returns(tx, returns)
        with self.club.units.begin(self.club.context()) as tx:
            apply_returns(tx, [one.callback_id for one in returns])

    def write_returns(self, *rows: str, name: str = "back.txt") -> None:
        header = (
            "business_unit|return_id|kind|transaction_code|transaction_id|date|amount|currency"
            "|response_code|response_message"
        )
        lines = [header, *rows, f"trailer|{len(rows)}"]
        (self.bank.folder / "returns" / name).write_text("".join(f"{line}\n" for line in lines))

    def return_row(
        self, return_id: str = "r1", kind: str = "RETURN", unit: str = DENVER, day: str = "2026-01-09"
    ) -> str:
        code = self.club.one("SELECT id FROM attempt")
        return f"{PARENT}/businessUnits/{unit_id(unit)}|{return_id}|{kind}|{code}|t0|{day}|35.00|USD|R01|No account"

    def states(self) -> set[str]:
        return {row.state for row in self.club.rows("SELECT state FROM payment")}
