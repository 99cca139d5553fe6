"""What every command shares: clients that connect when first used, and the enterprise it is about."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import typer
from boss.agreements.v1 import division_service_pb2, member_service_pb2, organization_service_pb2
from boss.billing.v1 import account_service_pb2

from boss_cli.channels import TokenSource
from boss_cli.clients import SERVICES, Clients, PlatformClient
from boss_cli.failures import BossCommandError, sentence
from boss_kit.errors import BossError, Transient
from boss_kit.ids import derived_id

UNITS_MAX = 1000
_ENTERPRISE = re.compile(r"(?:enterprises/)?([0-9a-fA-F-]{36})")


@dataclass
class Session:
    """One run of `boss`."""

    addresses: Mapping[str, str]
    token_source: TokenSource
    enterprise_text: str = ""
    unit: str = ""

    @cached_property
    def clients(self) -> Clients:
        """Give the clients."""
        return Clients(self.addresses, self.token_source)

    @property
    def enterprise_id(self) -> UUID:
        """Give the enterprise. Raises BossCommandError where none was named."""
        match = _ENTERPRISE.fullmatch(self.enterprise_text.strip())
        if match is None:
            what = (
                f"{self.enterprise_text!r} is no enterprise's UUID"
                if self.enterprise_text
                else "No enterprise is named"
            )
            raise BossCommandError(f"{what}; set BOSS_ENTERPRISE, or give --enterprise.")
        try:
            return UUID(match[1])
        except ValueError:
            raise BossCommandError(f"{self.enterprise_text!r} is no enterprise's UUID; mend BOSS_ENTERPRISE.") from None

    @property
    def enterprise(self) -> str:
        """Give the enterprise's resource name."""
        return f"enterprises/{self.enterprise_id}"

    def scope(self, unit: str | None, division: str = "") -> str:
        """Name a business unit by its external id, a division by what people call it, or the enterprise.

        Raises BossCommandError for both at once, and for a division there isn't.
        """
        if unit and division:
            raise BossCommandError("Give --unit or --division, not both: a unit lies in one division.")
        if division:
            return self._division(division)
        if not unit:
            return self.enterprise
        self.unit = unit
        return f"{self.enterprise}/businessUnits/{derived_id(self.enterprise_id, 'business-unit', unit)}"

    def _division(self, display_name: str) -> str:
        request = division_service_pb2.ListDivisionsRequest(
            parent=self.enterprise, page_size=UNITS_MAX, show_inactive=True
        )
        found = {
            one.display_name: one.name for one in self.clients.agreements.divisions.ListDivisions(request).divisions
        }
        if display_name not in found:
            names = ", ".join(sorted(found)) or "none"
            raise BossCommandError(
                f"--division: there is no division {display_name!r} in this enterprise; there are: {names}."
            )
        return str(found[display_name])

    def unit_names(self) -> Mapping[str, str]:
        """Give the external ids of business units by their names; none where agreements doesn't tell."""
        request = organization_service_pb2.ListBusinessUnitsRequest(parent=self.enterprise, page_size=UNITS_MAX)
        try:
            found = self.clients.agreements.organizations.ListBusinessUnits(request).business_units
        except BossError:
            return {}
        return {unit.name: unit.external_id for unit in found}

    def sentence(self, error: BossError) -> str:
        """Say what went wrong; a unit by the word it was asked for with, and which there are."""
        if error.reason != "BUSINESS_UNIT_NOT_FOUND" or not self.unit:
            return sentence(error)
        names = sorted(self.unit_names().values())
        there = f"; there are: {', '.join(names)}" if names else ", an external id as agreements knows it"
        return f"--unit: there is no business unit {self.unit!r} in this enterprise{there}. [{error.reason}]"

    def platform(self, service: str) -> PlatformClient:
        """Give a service's client. Raises BossCommandError, naming the services, for an unknown one."""
        if service not in SERVICES:
            raise BossCommandError(f"There is no service {service!r}; there are: {', '.join(SERVICES)}.")
        return self.clients.platform(service)

    def account(self, number: str) -> str:
        """Find an account by its number: billing knows it, and agreements, too, when billing is down.

        Raises BossCommandError where there is none.
        """
        try:
            request = account_service_pb2.ListAccountsRequest(parent=self.enterprise, number=number, page_size=1)
            found = [account.name for account in self.clients.billing.accounts.ListAccounts(request).accounts]
        except Transient as error:
            found = self._account_by_member(number, error)
        if not found:
            raise BossCommandError(f"There is no account {number!r} in this enterprise.")
        return str(found[0])

    def _account_by_member(self, number: str, billing: BossError) -> list[str]:
        request = member_service_pb2.ListMembersRequest(parent=self.enterprise, external_id=number, page_size=1)
        try:
            return [member.account for member in self.clients.agreements.members.ListMembers(request).members]
        except Transient as error:
            raise BossCommandError(f"{sentence(billing)} {sentence(error)}") from None

    def close(self) -> None:
        """Close what was opened."""
        if "clients" in self.__dict__:
            self.clients.close()


def session_of(context: typer.Context) -> Session:
    """Give the session of a command."""
    session: Session = context.obj
    return session


def request_id() -> str:
    """Make the id of a command asked for once."""
    return str(uuid.uuid4())
