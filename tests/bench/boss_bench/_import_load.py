"""What the bench of the import sends, and the servers it sends it to."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from boss.agreements.v1 import member_service_pb2
from boss.billing.v1 import account_service_pb2

from boss_kit.ids import derived_id
from boss_kit.testing.tokens import TokenMaker

ENTERPRISE_ID = UUID("01890000-0000-7000-8000-00000000be7d")
ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
CLUBS = ("Bench North", "Bench South", "Bench East", "Bench West")
RECORDS_PER_MESSAGE = 500
SERVER_START_S = 60
SERVER_STOP_S = 20

_FIRST_NAMES = ("Chloé", "Nadia", "Oluwaseun", "José", "Mia", "Kwame", "Siobhán", "Noah")
_LAST_NAMES = ("Khan", "d'Angelo", "García", "Dubois", "Nguyen", "Müller", "Okafor", "Lee")
_AGREEMENTS = (
    ("Gold Monthly", "Membership", "59.00", "monthly_anniversary", "perpetual"),
    ("Silver Monthly", "Membership", "35.00", "monthly_on_1", "perpetual"),
    ("Student", "Membership", "24.50", "monthly_on_15", "fixed_12"),
    ("Locker", "Service", "12.00", "monthly_anniversary", "perpetual"),
    ("Annual", "Membership", "520.00", "yearly", "fixed_12"),
)
_TENDERS = ("VISA", "MC", "DISC", "AMEX", "ACH")


def unit_id(club: str) -> UUID:
    """Give the id of a club's business unit."""
    return derived_id(ENTERPRISE_ID, "business-unit", club)


def member_messages(
    first: int, records: int, schedule: str = "", clubs: Sequence[str] = CLUBS
) -> Iterator[member_service_pb2.ImportMembersRequest]:
    """Make the members' half of the clubs' file; with a schedule, everybody's is that one and nobody is frozen."""
    all_alike = {"schedule": schedule, "term": "perpetual", "freeze_from": ""} if schedule else {}
    for numbers in _cut(first, records):
        made = [
            member_service_pb2.MemberRecord(record=number, **{**_member(number, clubs), **all_alike})
            for number in numbers
        ]
        yield member_service_pb2.ImportMembersRequest(parent=ENTERPRISE, records=made)


def account_messages(
    first: int, records: int, *, owes: bool = True, clubs: Sequence[str] = CLUBS
) -> Iterator[account_service_pb2.ImportAccountsRequest]:
    """Make the accounts' half of the clubs' file."""
    paid_up = {} if owes else {"past_due_balance": "0.00", "oldest_due_date": ""}
    for numbers in _cut(first, records):
        made = [
            account_service_pb2.AccountRecord(record=number, **{**_account(number, clubs), **paid_up})
            for number in numbers
        ]
        yield account_service_pb2.ImportAccountsRequest(parent=ENTERPRISE, records=made)


def _cut(first: int, records: int) -> Iterator[Sequence[int]]:
    for start in range(first, first + records, RECORDS_PER_MESSAGE):
        yield range(start, min(start + RECORDS_PER_MESSAGE, first + records))


def _member(number: int, clubs: Sequence[str]) -> dict[str, str]:
    chance = random.Random(number)
    agreement, agreement_type, price, schedule, term = chance.choice(_AGREEMENTS)
    frozen = number % 30 == 0
    return {
        "external_id": f"B{number:07}",
        "business_unit": clubs[number % len(clubs)],
        "first_name": chance.choice(_FIRST_NAMES),
        "last_name": chance.choice(_LAST_NAMES),
        "birth_date": f"{chance.randrange(1950, 2005)}-0{chance.randrange(1, 10)}-1{chance.randrange(10)}",
        "email": f"member.{number}@example.com",
        "cell_phone": f"({chance.randrange(200, 999)}) {chance.randrange(200, 999)}-{chance.randrange(10000):04}",
        "home_phone": f"+1{chance.randrange(2000000000, 9999999999)}" if number % 2 else "",
        "address_1": f"{chance.randrange(1, 9999)} Park St",
        "city": "Denver",
        "state": "CO",
        "postal_code": "80202",
        "time_zone": "America/Denver",
        "agreement": agreement,
        "agreement_type": agreement_type,
        "price": price,
        "schedule": schedule,
        "term": term,
        "start_date": f"2025-0{chance.randrange(1, 10)}-1{chance.randrange(10)}",
        "freeze_from": "2199-01-01" if frozen else "",
        "sms_opt_out": "no",
        "do_not_call": "no",
        "notes": "Prefers mornings",
    }


def _account(number: int, clubs: Sequence[str]) -> dict[str, str]:
    tender = _TENDERS[number % len(_TENDERS)]
    card = tender != "ACH"
    return {
        "external_id": f"B{number:07}",
        "business_unit": clubs[number % len(clubs)],
        "tender": tender,
        "token": f"tok_{number:016x}",
        "last4": f"{number % 10000:04}",
        "exp_month": str(number % 12 + 1) if card else "",
        "exp_year": "2029" if card else "",
        "primary_source": "yes",
        "past_due_balance": "59.00" if number % 25 == 0 else "0.00",
        "oldest_due_date": "2025-12-14" if number % 25 == 0 else "",
    }


@contextmanager
def serving(service: str, database_url: str, keys: TokenMaker, addresses: Mapping[str, str]) -> Iterator[int]:
    """Lend a service's API in a process of its own; give the process's id."""
    environ = environ_of(service, database_url, keys, addresses)
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", f"boss_{service}", "serve"], env=environ)
    try:
        _wait_until_it_listens(process, addresses[service])
        yield process.pid
    finally:
        process.terminate()
        process.wait(SERVER_STOP_S)


def environ_of(service: str, database_url: str, keys: TokenMaker, addresses: Mapping[str, str]) -> dict[str, str]:
    """Give the environment a process of a service is started in."""
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("BOSS_", "AMQP_", "DATABASE_"))
    }
    environ |= {
        "DATABASE_URL": database_url,
        "BOSS_JWKS": str(keys.jwks),
        "BOSS_SERVICE_KEY": str(keys.service_key(service)),
        "BOSS_GRPC_ADDRESS": addresses[service],
        "BOSS_LOG_LEVEL": "ERROR",
    }
    environ |= {f"BOSS_{name.upper()}_ADDRESS": address for name, address in addresses.items()}
    return environ


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", address: str) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + SERVER_START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nobody listens on {address}")


def free_address() -> str:
    """Find an address nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"
