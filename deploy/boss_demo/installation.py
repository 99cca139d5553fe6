"""The clubs of the demo and how each is set up, through the public API."""

import datetime
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from boss.agreements.v1 import organization_service_pb2 as organization
from boss.arm.v1 import configuration_service_pb2 as configuration
from boss.billing.v1 import ledger_service_pb2 as ledger
from google.type import money_pb2

from boss_cli.clients import Clients
from boss_demo import texts
from boss_demo.chance import request_id
from boss_demo.recording import bells
from boss_kit.ids import derived_id

ENTERPRISE_ID = uuid.UUID("018f2f6e-0000-7000-8000-00000000b055")
ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
FIRST_DAY = datetime.date(2026, 1, 1)
CURRENCY = "USD"
HAND_OVER_AFTER_DAYS = 40


@dataclass(frozen=True)
class Club:
    """A business unit of the demo."""

    external_id: str
    time_zone: str
    address_lines: tuple[str, ...]
    caller_number: str

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"{ENTERPRISE}/businessUnits/{derived_id(ENTERPRISE_ID, 'business-unit', self.external_id)}"

    @property
    def host(self) -> str:
        """Give the domain of its addresses."""
        return self.external_id.lower().replace(" ", "-") + ".example.com"


CLUBS = (
    Club("Arlington Club", "America/New_York", ("2100 Clarendon Blvd", "Arlington, VA 22201"), "+1 703 555 0110"),
    Club("Austin Club", "America/Chicago", ("400 Congress Ave", "Austin, TX 78701"), "+1 512 555 0120"),
    Club("Denver Club", "America/Denver", ("1600 Glenarm Pl", "Denver, CO 80202"), "+1 303 555 0130"),
    Club("Rockville Club", "America/New_York", ("50 Maryland Ave", "Rockville, MD 20850"), "+1 301 555 0140"),
    Club("San Diego Club", "America/Los_Angeles", ("700 Broadway", "San Diego, CA 92101"), "+1 619 555 0150"),
)


def other_club(text: str) -> Club:
    """Read a further club from `Name=Area/City`."""
    name, _, zone = text.partition("=")
    return Club(name.strip(), zone.strip(), ("1 Main St",), "+1 202 555 0190")


def install(clients: Clients, clubs: Iterable[Club]) -> None:
    """Make the enterprise, its clubs, their billing settings and their dunning."""
    clients.agreements.organizations.CreateEnterprise(
        organization.CreateEnterpriseRequest(
            enterprise_id=str(ENTERPRISE_ID),
            enterprise=organization.Enterprise(display_name="Demo Clubs"),
            request_id=request_id("enterprise"),
        )
    )
    for club in clubs:
        _create_unit(clients, club)


def configure(clients: Clients, clubs: Iterable[Club]) -> None:
    """Set every club up for billing and accounts receivable management; the units must be known everywhere."""
    for club in clubs:
        _set_billing(clients, club)
        _enable_arm(clients, club)
        _create_schedule(clients, club, _create_templates(clients, club))


def _create_unit(clients: Clients, club: Club) -> None:
    clients.agreements.organizations.CreateBusinessUnit(
        organization.CreateBusinessUnitRequest(
            parent=ENTERPRISE,
            business_unit=organization.BusinessUnit(
                external_id=club.external_id, display_name=club.external_id, time_zone=club.time_zone, currency=CURRENCY
            ),
            request_id=request_id("unit", club.external_id),
        )
    )


def _set_billing(clients: Clients, club: Club) -> None:
    clients.billing.ledger.UpdateBillingSettings(
        ledger.UpdateBillingSettingsRequest(
            billing_settings=ledger.BillingSettings(
                business_unit=club.name, card_updater=True, rebill_after_days=7, rebill_attempts_max=3
            ),
            request_id=request_id("billing-settings", club.external_id),
        )
    )


def _enable_arm(clients: Clients, club: Club) -> None:
    clients.arm.configuration.EnableArm(
        configuration.EnableArmRequest(
            business_unit=club.name, enabled=True, request_id=request_id("enable-arm", club.external_id)
        )
    )
    clients.arm.configuration.UpdateArmSettings(
        configuration.UpdateArmSettingsRequest(
            settings=configuration.ArmSettings(
                business_unit=club.name,
                from_address=f"accounts@{club.host}",
                reply_to_address=f"help@{club.host}",
                caller_number=club.caller_number,
                return_address_lines=[club.external_id, *club.address_lines],
                send_from_hour=8,
                send_until_hour=21,
                no_response_days=7,
                retry_limit=3,
                hand_over_agency="Example Recovery Partners",
                hand_over_after_days=HAND_OVER_AFTER_DAYS,
            ),
            request_id=request_id("arm-settings", club.external_id),
        )
    )


def _create_templates(clients: Clients, club: Club) -> dict[str, str]:
    names = {}
    for key, template in texts.TEMPLATES.items():
        made = clients.arm.configuration.CreateTemplate(
            configuration.CreateTemplateRequest(
                parent=club.name,
                template=configuration.Template(
                    channel=template.channel,
                    display_name=template.display_name,
                    subject=template.subject,
                    body=template.body,
                    audio=bells() if template.channel == "Phone" else b"",
                ),
                request_id=request_id("template", club.external_id, key),
            )
        )
        names[key] = made.name
    return names


def _create_schedule(clients: Clients, club: Club, templates: dict[str, str]) -> None:
    clients.arm.configuration.CreateSchedule(
        configuration.CreateScheduleRequest(
            parent=club.name,
            schedule=configuration.Schedule(
                lines=[
                    configuration.ScheduleLine(
                        channel=texts.TEMPLATES[step.template].channel,
                        template=templates[step.template],
                        description=step.description,
                        day_offset=step.day_offset,
                        past_due_min=money_pb2.Money(currency_code=CURRENCY, units=step.past_due_min_units),
                        active=True,
                    )
                    for step in texts.STEPS
                ]
            ),
            request_id=request_id("schedule", club.external_id),
        )
    )
