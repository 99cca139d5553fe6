"""Put the processes together; each imports only its own doors."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from boss_agreements.events import encode
from boss_agreements.jobs import CANCELLATIONS, FINISH_SALES, JOBS, SUSPENSIONS
from boss_agreements.settings import AgreementsSettings
from boss_agreements.subscriptions import SUBSCRIPTIONS
from boss_kit.context import Context
from boss_kit.ids import new_id
from boss_kit.service import Running, Service, Serving, Working
from boss_kit.settings import StartError
from boss_kit.unit_of_work import Transaction, UnitOfWork

NOUNS = ("units", "members", "agreements")
REPUBLISH_PAGE = 1000
Republish = Callable[[Transaction, UUID, UUID | None, int], Sequence[UUID]]

SERVICE = Service("agreements", AgreementsSettings, Path(__file__).parent / "migrations", encode)


def serve(settings: AgreementsSettings) -> Serving:
    """Put the API together."""
    from boss_agreements.activities.rpc import ActivityServicer
    from boss_agreements.adapters.agreement_press import AgreementPress
    from boss_agreements.agreement_rules.rpc import AgreementRulesServicer
    from boss_agreements.agreements.rpc import AgreementServicer
    from boss_agreements.batch_cancels.rpc import BatchCancelServicer
    from boss_agreements.bundles.rpc import BundleServicer
    from boss_agreements.cancellations.rpc import CancellationServicer
    from boss_agreements.classifications.rpc import ClassificationServicer
    from boss_agreements.clients import BillingDesk, BillingInvoices
    from boss_agreements.definitions.rpc import DefinitionServicer
    from boss_agreements.divisions.rpc import DivisionServicer
    from boss_agreements.documents.rpc import DocumentServicer
    from boss_agreements.drafts.process import Sales
    from boss_agreements.drafts.rpc import AgreementWriterServicer
    from boss_agreements.due_charges.rpc import DueChargeServicer
    from boss_agreements.groups.rpc import AgreementGroupServicer
    from boss_agreements.history.rpc import HistoryServicer
    from boss_agreements.inherited_settings.rpc import SettingServicer
    from boss_agreements.items.rpc import ItemServicer
    from boss_agreements.locations.rpc import LocationServicer
    from boss_agreements.members.rpc import MemberServicer
    from boss_agreements.organization.rpc import OrganizationServicer
    from boss_agreements.promotions.rpc import PromotionServicer
    from boss_agreements.reasons.rpc import ReasonServicer
    from boss_agreements.request_reasons.rpc import RequestReasonServicer
    from boss_agreements.rewrites.rpc import RewriteServicer
    from boss_agreements.suspensions.rpc import SuspensionServicer
    from boss_agreements.taxes.rpc import TaxServicer
    from boss_agreements.templates.rpc import TemplateServicer
    from boss_agreements.timeline.rpc import TimelineServicer
    from boss_agreements.work_roles.rpc import WorkRoleServicer
    from boss_agreements.workstations.rpc import WorkstationServicer
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    door = Door(house.units)
    servicers = (
        OrganizationServicer,
        AgreementRulesServicer,
        BundleServicer,
        ClassificationServicer,
        DivisionServicer,
        SettingServicer,
        LocationServicer,
        WorkRoleServicer,
        WorkstationServicer,
        DefinitionServicer,
        AgreementGroupServicer,
        ItemServicer,
        PromotionServicer,
        ReasonServicer,
        RequestReasonServicer,
        TaxServicer,
        TemplateServicer,
        MemberServicer,
        AgreementServicer,
        CancellationServicer,
        SuspensionServicer,
        ActivityServicer,
        BatchCancelServicer,
        DueChargeServicer,
        HistoryServicer,
        TimelineServicer,
    )
    channels = house.channels()
    equipped = (
        AgreementWriterServicer(door, Sales(house.units, BillingDesk(channels))).add_to,
        DocumentServicer(door, AgreementPress(settings.document_fonts)).add_to,
        RewriteServicer(door, BillingInvoices(channels)).add_to,
    )
    add_all = [*(servicer(door).add_to for servicer in servicers), *equipped]
    return Serving(house, add_all, subscriptions=SUBSCRIPTIONS, jobs=JOBS)


def work(settings: AgreementsSettings, index: int, of: int) -> Working:
    """Put the consumer together."""
    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: AgreementsSettings) -> Running:
    """Put the relay, the schedule and the tasks together."""
    from boss_agreements.adapters.agreement_press import AgreementPress
    from boss_agreements.batch_cancels import process as batch_cancels
    from boss_agreements.batch_cancels.commands import COLLECT_TASK, RUN_TASK
    from boss_agreements.cancellations import process as cancellations
    from boss_agreements.cancellations.returns import RETURN_TASK
    from boss_agreements.clients import BillingAccounts, BillingClient, BillingDebtors, BillingDesk
    from boss_agreements.documents.process import document_process
    from boss_agreements.drafts.commands import DOCUMENT_TASK
    from boss_agreements.drafts.process import Sales, finish_process
    from boss_agreements.members.process import account_process
    from boss_agreements.members.registration import OPEN_ACCOUNT_TASK
    from boss_agreements.suspensions.process import day_process

    house = SERVICE.open(settings, settings.pool_run)
    channels = house.channels()
    billing = BillingClient(channels.to("billing"))
    processes = {
        SUSPENSIONS: day_process(house.units),
        CANCELLATIONS: cancellations.day_process(house.units),
        OPEN_ACCOUNT_TASK: account_process(BillingAccounts(channels)),
        COLLECT_TASK: batch_cancels.collect_process(house.units, BillingDebtors(channels)),
        RUN_TASK: batch_cancels.run_process(house.units, BillingDebtors(channels)),
        RETURN_TASK: cancellations.return_process(house.units, billing),
        DOCUMENT_TASK: document_process(house.units, AgreementPress(settings.document_fonts)),
        FINISH_SALES: finish_process(house.units, Sales(house.units, BillingDesk(channels))),
    }
    return Running(house, jobs=JOBS, processes=processes, enterprises=_enterprises)


def republish(settings: AgreementsSettings, noun: str) -> int:
    """Publish the state of all of a noun again, for a late or rebuilt consumer; give how many."""
    from boss_agreements.agreements.commands import republish_agreements
    from boss_agreements.members.commands import republish_members
    from boss_agreements.organization.commands import republish_units

    pages = {"units": republish_units, "members": republish_members, "agreements": republish_agreements}
    if noun not in pages:
        raise StartError(f"agreements has no {noun!r} to publish again; it has {', '.join(NOUNS)}")
    house = SERVICE.open(settings, pool_size=1)
    try:
        with house.units.read(Context()) as tx:
            enterprises = _enterprises(tx)
        return sum(_republish_all(house.units, enterprise_id, pages[noun]) for enterprise_id in enterprises)
    finally:
        house.close()


def _republish_all(units: UnitOfWork, enterprise_id: UUID, page: Republish) -> int:
    context = Context(enterprise_id, correlation=str(new_id()))
    published, after = 0, None
    while True:
        with units.begin(context) as tx:
            ids = page(tx, enterprise_id, after, REPUBLISH_PAGE)
        if not ids:
            return published
        published, after = published + len(ids), ids[-1]


def _enterprises(tx: Transaction) -> Sequence[UUID]:
    from boss_agreements.organization.store import enterprise_ids

    return enterprise_ids(tx.connection)
