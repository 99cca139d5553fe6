"""The composition root: what each process of arm is made of."""

from functools import partial
from pathlib import Path

from boss_arm import events
from boss_arm.configuration.store import enabled_enterprises
from boss_arm.jobs import JOBS
from boss_arm.settings import ArmSettings
from boss_arm.subscriptions import SUBSCRIPTIONS
from boss_kit.service import Running, Service, Serving, Working

SERVICE = Service("arm", ArmSettings, Path(__file__).parent / "migrations", events.encode)


def serve(settings: ArmSettings) -> Serving:
    """Answer calls."""
    from boss.arm.v1.configuration_service_pb2_grpc import add_ConfigurationServiceServicer_to_server
    from boss.arm.v1.cycle_service_pb2_grpc import add_CycleServiceServicer_to_server
    from boss.platform.v1.timeline_service_pb2_grpc import add_TimelineServiceServicer_to_server

    from boss_arm.clients import BillingClient, NotificationsClient
    from boss_arm.configuration.rpc import ConfigurationServicer
    from boss_arm.cycles.rpc import CycleServicer
    from boss_arm.timeline.rpc import TimelineServicer
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    door, channels = Door(house.units), house.channels()
    configuration = ConfigurationServicer(door, NotificationsClient(channels.to("notifications")))
    cycles = CycleServicer(door, BillingClient(channels.to("billing")))
    servicers = [
        partial(add_ConfigurationServiceServicer_to_server, configuration),
        partial(add_CycleServiceServicer_to_server, cycles),
        partial(add_TimelineServiceServicer_to_server, TimelineServicer(door)),
    ]
    return Serving(house, servicers, subscriptions=SUBSCRIPTIONS, jobs=JOBS)


def work(settings: ArmSettings, index: int, of: int) -> Working:
    """Consume events."""
    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: ArmSettings) -> Running:
    """Publish events, keep the schedule, do the daily run and the hand-over."""
    from boss_arm.cycles.process import hand_over
    from boss_arm.steps.process import daily_run

    house = SERVICE.open(settings, settings.pool_run)
    return Running(
        house,
        jobs=JOBS,
        processes={"daily-run": daily_run(house.units), "hand-over": hand_over(house.units)},
        enterprises=lambda tx: enabled_enterprises(tx.connection),
    )
