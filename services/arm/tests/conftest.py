"""A real database with arm's schema, its consumer, its API over real gRPC, and stand-ins for two other services."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.arm.v1 import configuration_service_pb2 as configuration_pb
from boss.arm.v1 import configuration_service_pb2_grpc as configuration_grpc
from boss.arm.v1 import cycle_service_pb2 as cycle_pb
from boss.arm.v1 import cycle_service_pb2_grpc as cycle_grpc
from boss.billing.v1 import account_service_pb2 as billing_pb
from boss.billing.v1 import account_service_pb2_grpc as billing_grpc
from boss.notifications.v1 import template_service_pb2 as template_pb
from boss.notifications.v1 import template_service_pb2_grpc as template_grpc
from boss.platform.v1 import timeline_service_pb2_grpc as timeline_grpc
from sqlalchemy.dialects.postgresql import insert

from boss_arm.app import SERVICE
from boss_arm.clients import BillingClient, NotificationsClient
from boss_arm.configuration.rpc import ConfigurationServicer
from boss_arm.cycles.rpc import CycleServicer
from boss_arm.subscriptions import SUBSCRIPTIONS
from boss_arm.timeline.rpc import TimelineServicer
from boss_kit import schema
from boss_kit.database import open_database
from boss_kit.errors import Transient
from boss_kit.events.consumer import Consumer
from boss_kit.migrate import upgrade
from boss_kit.rpc.client import BossChannel
from boss_kit.rpc.door import Door
from boss_kit.rpc.server import build_server
from boss_kit.unit_of_work import UnitOfWork

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from arm_facts import DAY, DENVER, Club, account, unit_name, usd

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer
    from boss_kit.testing.server import ServerUnderTest
    from boss_kit.testing.tokens import TokenMaker

POOL_SIZE = 8
SCHEDULE = (("Email", 0, 0), ("Phone", 3, 0), ("Email", 7, 1000), ("Letter", 14, 1000))


@dataclass
class Billing(billing_grpc.AccountServiceServicer):
    """Stands in for billing: knows balances by account, or doesn't answer."""

    past_due: dict[str, int] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)
    away: bool = False

    def BatchGetBalances(self, request: Any, context: Any) -> Any:
        if self.away:
            raise Transient("AWAY", "Billing is away.")
        balances = [
            billing_pb.AccountBalance(
                account=name, past_due_balance=usd(self.past_due[name]), attempt_in_flight=name in self.in_flight
            )
            for name in request.accounts
            if name in self.past_due
        ]
        return billing_pb.BatchGetBalancesResponse(balances=balances)


@dataclass
class Notifications(template_grpc.TemplateServiceServicer):
    """Stands in for notifications: makes templates, the same one for the same request."""

    asked: list[Any] = field(default_factory=list)

    def CreateTemplate(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        return template_pb.Template(name=f"{request.parent}/templates/{request.request_id}")


@dataclass
class Api:
    """Arm's API as a caller sees it, and the others behind it."""

    configuration: Any
    cycles: Any
    timeline: Any
    billing: Billing
    notifications: Notifications

    def enable(self, unit: Any = DENVER, *, enabled: bool = True) -> Any:
        return self.configuration.EnableArm(
            configuration_pb.EnableArmRequest(business_unit=unit_name(unit), enabled=enabled, request_id=str(uuid4()))
        )

    def settings(self, unit: Any = DENVER, **changes: Any) -> Any:
        values = {
            "from_address": "accounts@denver.example.com",
            "reply_to_address": "help@denver.example.com",
            "caller_number": "+13035550130",
            "return_address_lines": ["Denver Club", "1600 Glenarm Pl"],
            "send_from_hour": 8,
            "send_until_hour": 21,
        } | changes
        settings = configuration_pb.ArmSettings(business_unit=unit_name(unit), **values)
        request = configuration_pb.UpdateArmSettingsRequest(settings=settings, request_id=str(uuid4()))
        return self.configuration.UpdateArmSettings(request)

    def template(self, channel: str = "Email", parent: str = "", **changes: Any) -> Any:
        values = {"channel": channel, "display_name": f"{channel} text", "subject": "Hello", "body": "{{ first_name }}"}
        request = configuration_pb.CreateTemplateRequest(
            parent=parent or unit_name(),
            template=configuration_pb.Template(**values | changes),
            request_id=str(uuid4()),
        )
        return self.configuration.CreateTemplate(request)

    def schedule(self, lines: Any = SCHEDULE, unit: Any = DENVER) -> Any:
        """Make a schedule of (channel, day offset, least past due in cents), with a template for each channel."""
        channels = sorted({channel for channel, _, _ in lines})
        templates = {channel: self.template(channel, unit_name(unit)).name for channel in channels}
        made = [
            configuration_pb.ScheduleLine(
                channel=channel,
                template=templates[channel],
                description=f"{channel} of day {offset}",
                day_offset=offset,
                past_due_min=usd(least),
                active=True,
            )
            for channel, offset, least in lines
        ]
        request = configuration_pb.CreateScheduleRequest(
            parent=unit_name(unit), schedule=configuration_pb.Schedule(lines=made), request_id=str(uuid4())
        )
        return self.configuration.CreateSchedule(request)

    def summary(self, number: str) -> Any:
        return self.cycles.GetArmSummary(cycle_pb.GetArmSummaryRequest(account=account(number)))

    def history(self, number: str, *, suspension: bool = False, **more: Any) -> Any:
        request = cycle_pb.ListArmHistoryRequest(parent=account(number), include_suspension_activity=suspension, **more)
        return self.cycles.ListArmHistory(request).arm_activities

    def add(self, number: str) -> Any:
        return self.cycles.AddToArm(cycle_pb.AddToArmRequest(account=account(number), request_id=str(uuid4())))

    def remove(self, number: str, *, confirmed: bool = True) -> Any:
        request = cycle_pb.RemoveFromArmRequest(account=account(number), confirmed=confirmed, request_id=str(uuid4()))
        return self.cycles.RemoveFromArm(request)

    def release(self, *steps: str) -> dict[str, str]:
        """Ask for the release of steps; give the reason by step, empty where it was released."""
        request = cycle_pb.ReleaseStepsRequest(
            parent=unit_name().split("/businessUnits")[0], step_ids=steps, request_id=str(uuid4())
        )
        answers = self.cycles.ReleaseSteps(request).releases
        assert [answer.step_id for answer in answers] == list(steps)
        assert all(answer.released == (not answer.reason) for answer in answers)
        return {answer.step_id: answer.reason for answer in answers}


@pytest.fixture(scope="session")
def arm_engine(postgres_server: "PostgresServer") -> Iterator[sa.Engine]:
    """Give one database for all tests: making one takes longer than most of them."""
    with postgres_server.database() as url:
        engine = open_database(url, POOL_SIZE)
        upgrade(engine, SERVICE.migrations)
        yield engine
        engine.dispose()


@pytest.fixture
def engine(arm_engine: sa.Engine) -> sa.Engine:
    """Give the database, emptied."""
    with arm_engine.begin() as connection:
        tables = sa.inspect(connection).get_table_names()
        names = ", ".join(f'"{name}"' for name in tables if name != "alembic_version")
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY"))
    return arm_engine


@pytest.fixture(scope="session")
def units(arm_engine: sa.Engine) -> UnitOfWork:
    return UnitOfWork(arm_engine, SERVICE.name, SERVICE.encode, test_clock=True)


@pytest.fixture
def set_clock(engine: sa.Engine) -> Callable[[date], None]:
    """Set the installation's time to 18:00 UTC of a day."""

    def advance(day: date) -> None:
        now = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
        with engine.begin() as connection:
            row = insert(schema.test_clock).values(id=1, now=now)
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"now": now}))

    advance(DAY)
    return advance


@pytest.fixture
def club(units: UnitOfWork, set_clock: Callable[[date], None]) -> Club:
    """Give a club that nobody has set up yet."""
    club = Club(units, Consumer(units, SUBSCRIPTIONS), set_clock)
    club.unit()
    return club


@dataclass
class Servers:
    """Arm's server, and those that stand in for others."""

    arm: "ServerUnderTest"
    billing: Billing
    notifications: Notifications


@pytest.fixture(scope="session")
def servers(units: UnitOfWork, tokens: "TokenMaker") -> Iterator[Servers]:
    """Start the servers once."""
    from boss_kit.testing.server import ServerUnderTest  # pytest wants to import its plugins first

    with ExitStack() as stack:

        def start(service: str, servicers: Sequence[Any]) -> "ServerUnderTest":
            server = build_server(service, "127.0.0.1:0", tokens.verifier(service), servicers)
            server.start()
            running = ServerUnderTest(service, server, tokens)
            stack.callback(running.close)
            return running

        def channel(service: str, add: Any) -> BossChannel:
            running, signer = start(service, [add]), tokens.signer("arm")
            return BossChannel(running.plain, service, lambda context: signer.token(service))

        billing, notifications = Billing(), Notifications()
        to_billing = channel("billing", partial(billing_grpc.add_AccountServiceServicer_to_server, billing))
        to_notifications = channel(
            "notifications", partial(template_grpc.add_TemplateServiceServicer_to_server, notifications)
        )
        door = Door(units)
        configuration = ConfigurationServicer(door, NotificationsClient(to_notifications))
        servicers = [
            partial(configuration_grpc.add_ConfigurationServiceServicer_to_server, configuration),
            partial(cycle_grpc.add_CycleServiceServicer_to_server, CycleServicer(door, BillingClient(to_billing))),
            partial(timeline_grpc.add_TimelineServiceServicer_to_server, TimelineServicer(door)),
        ]
        yield Servers(start(SERVICE.name, servicers), billing, notifications)


@pytest.fixture
def make_api(servers: Servers) -> Callable[..., Api]:
    """Give a function that gives arm's API for one caller; without a token it is the platform operator's."""
    servers.billing.__init__()  # type: ignore[misc]  # forgets the test before
    servers.notifications.__init__()  # type: ignore[misc]

    def api(token: str | None = None) -> Api:
        return Api(
            configuration=servers.arm.stub(configuration_grpc.ConfigurationServiceStub, token),
            cycles=servers.arm.stub(cycle_grpc.CycleServiceStub, token),
            timeline=servers.arm.stub(timeline_grpc.TimelineServiceStub, token),
            billing=servers.billing,
            notifications=servers.notifications,
        )

    return api


@pytest.fixture
def api(make_api: Callable[..., Api], club: Club) -> Api:
    """Give arm's API for the platform operator, in a club that nobody has set up yet."""
    return make_api()


@pytest.fixture
def ready(api: Api) -> Api:
    """Give arm's API in a club with settings, templates and a schedule."""
    api.enable()
    api.settings()
    api.schedule()
    return api
