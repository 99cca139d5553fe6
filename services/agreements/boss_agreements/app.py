"""Put the processes together; each imports only its own doors."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from boss_agreements.events import encode
from boss_agreements.jobs import JOBS, SUSPENSIONS
from boss_agreements.settings import AgreementsSettings
from boss_agreements.subscriptions import SUBSCRIPTIONS
from boss_kit.service import Running, Service, Serving, Working
from boss_kit.unit_of_work import Transaction

SERVICE = Service("agreements", AgreementsSettings, Path(__file__).parent / "migrations", encode)


def serve(settings: AgreementsSettings) -> Serving:
    """Put the API together."""
    from boss_agreements.agreements.rpc import AgreementServicer
    from boss_agreements.due_charges.rpc import DueChargeServicer
    from boss_agreements.members.rpc import MemberServicer
    from boss_agreements.organization.rpc import OrganizationServicer
    from boss_agreements.timeline.rpc import TimelineServicer
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    door = Door(house.units)
    servicers = (OrganizationServicer, MemberServicer, AgreementServicer, DueChargeServicer, TimelineServicer)
    return Serving(house, [servicer(door).add_to for servicer in servicers], subscriptions=SUBSCRIPTIONS, jobs=JOBS)


def work(settings: AgreementsSettings, index: int, of: int) -> Working:
    """Put the consumer together."""
    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: AgreementsSettings) -> Running:
    """Put the relay, the schedule and the tasks together."""
    from boss_agreements.suspensions.process import day_process

    house = SERVICE.open(settings, settings.pool_run)
    return Running(house, jobs=JOBS, processes={SUSPENSIONS: day_process(house.units)}, enterprises=_enterprises)


def _enterprises(tx: Transaction) -> Sequence[UUID]:
    from boss_agreements.organization.store import enterprise_ids

    return enterprise_ids(tx.connection)
