"""Put billing together: each door imports only what it needs."""

from collections.abc import Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boss_billing import events
from boss_billing.jobs import FILE_JOBS, JOBS, SANDBOX_JOBS
from boss_billing.settings import FILE, REST, SANDBOX, BillingSettings
from boss_kit.service import House, Running, Service, Serving, Working
from boss_kit.settings import StartError

if TYPE_CHECKING:
    from boss_billing.adapters.chance import Script
    from boss_billing.adapters.conduct import Conduct
    from boss_billing.adapters.places import Place
    from boss_billing.adapters.port import Processor
    from boss_billing.adapters.simulator import Simulator
    from boss_billing.clients import OwnCallbackDoor
    from boss_billing.refunds.rules import RefundProcessor
    from boss_billing.runs.rpc import Looks
    from boss_kit.rpc.door import Door
    from boss_kit.rpc.server import AddServicer
    from boss_kit.tasks import Process, Task
    from boss_kit.unit_of_work import UnitOfWork

SERVICE = Service(
    name="billing", settings=BillingSettings, migrations=Path(__file__).parent / "migrations", encode=events.encode
)
NOUNS = ("accounts",)


def serve(settings: BillingSettings) -> Serving:
    """Answer calls, and the processor's webhooks where there is a secret."""
    from boss_billing.clients import AgreementsDueCharges
    from boss_billing.subscriptions import SUBSCRIPTIONS
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    return Serving(
        house,
        servicers(Door(house.units), AgreementsDueCharges(house.channels())),
        subscriptions=SUBSCRIPTIONS,
        jobs=_jobs(settings),
        web=_web(house, settings),
    )


def servicers(door: "Door", due_charges: "Looks") -> "list[AddServicer]":
    """List the API of billing."""
    from boss.billing.v1 import account_service_pb2_grpc as account
    from boss.billing.v1 import adjustment_service_pb2_grpc as adjustment
    from boss.billing.v1 import bill_run_service_pb2_grpc as bill_run
    from boss.billing.v1 import chargeback_service_pb2_grpc as chargeback
    from boss.billing.v1 import decline_service_pb2_grpc as decline
    from boss.billing.v1 import deposit_service_pb2_grpc as deposit
    from boss.billing.v1 import fee_service_pb2_grpc as fee
    from boss.billing.v1 import invoice_service_pb2_grpc as invoice
    from boss.billing.v1 import ledger_service_pb2_grpc as ledger
    from boss.billing.v1 import movement_service_pb2_grpc as movement
    from boss.billing.v1 import payment_service_pb2_grpc as payment
    from boss.billing.v1 import processor_callback_service_pb2_grpc as callback
    from boss.billing.v1 import rebill_service_pb2_grpc as rebill
    from boss.billing.v1 import refund_service_pb2_grpc as refund
    from boss.billing.v1 import report_service_pb2_grpc as report
    from boss.billing.v1 import statement_service_pb2_grpc as statement
    from boss.billing.v1 import write_off_service_pb2_grpc as write_off
    from boss.platform.v1 import timeline_service_pb2_grpc as timeline

    from boss_billing.accounts.rpc import AccountServicer
    from boss_billing.adjustments.rpc import AdjustmentServicer
    from boss_billing.callbacks.rpc import ProcessorCallbackServicer
    from boss_billing.chargebacks.rpc import ChargebackServicer
    from boss_billing.declines.rpc import DeclineServicer
    from boss_billing.deposits.rpc import DepositServicer
    from boss_billing.fees.rpc import FeeServicer
    from boss_billing.invoices.rpc import InvoiceServicer
    from boss_billing.ledger.rpc import LedgerServicer
    from boss_billing.movements.rpc import MovementServicer
    from boss_billing.payments.rpc import PaymentServicer
    from boss_billing.rebills.rpc import RebillServicer
    from boss_billing.refunds.rpc import RefundServicer
    from boss_billing.reports.rpc import ReportServicer
    from boss_billing.runs.rpc import BillRunServicer
    from boss_billing.statements.rpc import StatementServicer
    from boss_billing.timeline.rpc import TimelineServicer
    from boss_billing.write_offs.rpc import WriteOffServicer

    return [
        partial(account.add_AccountServiceServicer_to_server, AccountServicer(door)),
        partial(bill_run.add_BillRunServiceServicer_to_server, BillRunServicer(door, due_charges)),
        partial(deposit.add_DepositServiceServicer_to_server, DepositServicer(door)),
        partial(decline.add_DeclineServiceServicer_to_server, DeclineServicer(door)),
        partial(rebill.add_RebillServiceServicer_to_server, RebillServicer(door)),
        partial(invoice.add_InvoiceServiceServicer_to_server, InvoiceServicer(door)),
        partial(ledger.add_LedgerServiceServicer_to_server, LedgerServicer(door)),
        partial(payment.add_PaymentServiceServicer_to_server, PaymentServicer(door)),
        partial(callback.add_ProcessorCallbackServiceServicer_to_server, ProcessorCallbackServicer(door)),
        partial(refund.add_RefundServiceServicer_to_server, RefundServicer(door)),
        partial(adjustment.add_AdjustmentServiceServicer_to_server, AdjustmentServicer(door)),
        partial(chargeback.add_ChargebackServiceServicer_to_server, ChargebackServicer(door)),
        partial(fee.add_FeeServiceServicer_to_server, FeeServicer(door)),
        partial(movement.add_MovementServiceServicer_to_server, MovementServicer(door)),
        partial(statement.add_StatementServiceServicer_to_server, StatementServicer(door)),
        partial(write_off.add_WriteOffServiceServicer_to_server, WriteOffServicer(door)),
        partial(report.add_ReportServiceServicer_to_server, ReportServicer(door)),
        partial(timeline.add_TimelineServiceServicer_to_server, TimelineServicer(door)),
    ]


def work(settings: BillingSettings, index: int = 0, of: int = 1) -> Working:
    """Consume events."""
    from boss_billing.subscriptions import SUBSCRIPTIONS

    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: BillingSettings) -> Running:
    """Publish events, keep the schedule, do the tasks."""
    from boss_billing.batches.process import BatchProcesses
    from boss_billing.batches.rules import SUBMIT_TASK
    from boss_billing.callbacks.process import CallbackProcesses
    from boss_billing.clients import AgreementsDueCharges, OwnCallbackDoor
    from boss_billing.funding.process import CardUpdaterProcesses
    from boss_billing.refunds.rules import SEND_TASK
    from boss_billing.reports.process import ReportProcesses
    from boss_billing.runs import commands as runs
    from boss_billing.runs.pages import COLLECT_TASK
    from boss_billing.runs.process import RunProcesses
    from boss_billing.units import store as units

    house = SERVICE.open(settings, settings.pool_run)
    channels = house.channels()
    door = OwnCallbackDoor(channels)
    processor, deliveries = _processor(house, settings, door)
    due_charges = AgreementsDueCharges(channels)
    bill_runs = RunProcesses(house.units, due_charges)
    batches = BatchProcesses(house.units, processor)
    ask_updater = CardUpdaterProcesses(house.units, processor, due_charges).ask
    processes = {
        runs.PLAN_TASK: bill_runs.plan,
        runs.SHARD_TASK: bill_runs.bill,
        COLLECT_TASK: bill_runs.collect,
        runs.WITHDRAW_TASK: bill_runs.withdraw,
        SUBMIT_TASK: batches.submit,
        SEND_TASK: refund_sending(house.units, settings),
        "ask-processor": batches.ask_processor,
        "apply-callbacks": CallbackProcesses(house.units).apply_left_over,
        "card-updater": ask_updater,
        "roll-up-reports": ReportProcesses(house.units).roll_up,
        **deliveries,
    }
    if settings.processor == SANDBOX:
        answers = (deliveries["sandbox-results"], ask_updater, deliveries["sandbox-updates"])
        processes["sandbox-answers"] = partial(_in_turn, answers)
    return Running(
        house,
        jobs=_jobs(settings),
        processes=processes,
        enterprises=lambda tx: units.enterprises(tx.connection),
    )


def _in_turn(processes: "Sequence[Process]", task: "Task") -> None:
    """Do one process after the other; each finds what is left when the task comes again."""
    for process in processes:
        process(task)


def republish(settings: BillingSettings, noun: str) -> int:
    """Publish the state of every account again; give how many."""
    from boss_billing.accounts.republish import republish_accounts

    if noun not in NOUNS:
        raise StartError(f"billing has no {noun!r} to publish again; it has {', '.join(NOUNS)}")
    house = SERVICE.open(settings, pool_size=2)
    try:
        return republish_accounts(house.units)
    finally:
        house.close()


def _jobs(settings: BillingSettings) -> tuple[Any, ...]:
    return JOBS + {SANDBOX: SANDBOX_JOBS, FILE: FILE_JOBS}.get(settings.processor, ())


def _processor(
    house: House[BillingSettings], settings: BillingSettings, door: "OwnCallbackDoor"
) -> "tuple[Processor, dict[str, Process]]":
    """Make the processor of the settings, and the processes that bring in what it answered."""
    if settings.processor == REST:
        from boss_billing.adapters.rest_processor import RestProcessor

        return RestProcessor(settings.processor_url, settings.processor_api_key), {}
    if settings.processor == FILE:
        from boss_billing.adapters.file_pickup import FilePickup
        from boss_billing.adapters.file_processor import FileProcessor
        from boss_billing.callbacks.owners import Owners

        place = processor_place(settings)
        files = FileProcessor(place, keeps_taken=settings.processor_keeps_taken)
        return files, {"read-processor-files": FilePickup(place, door, Owners(house.units)).read}
    from boss_billing.adapters.delivery import Delivery

    simulator = _simulator(house, settings)
    delivery = Delivery(simulator, door)
    return simulator, {
        "sandbox-results": delivery.results,
        "sandbox-updates": delivery.updates,
        "sandbox-retry-results": delivery.retry_results,
    }


def refund_sending(units: "UnitOfWork", settings: BillingSettings) -> "Process":
    """Make the process that sends refunds by the settings: one by one, or by the file."""
    from boss_billing.refunds.process import RefundFileProcesses, RefundProcesses

    if settings.processor == FILE:
        from boss_billing.adapters.file_processor import FileProcessor

        files = FileProcessor(processor_place(settings), keeps_taken=settings.processor_keeps_taken)
        return RefundFileProcesses(units, files).send
    return RefundProcesses(units, refund_processor(settings)).send


def refund_processor(settings: BillingSettings) -> "RefundProcessor":
    """Make what sends refunds one by one."""
    if settings.processor == REST:
        from boss_billing.adapters.rest_processor import RestProcessor

        return RestProcessor(settings.processor_url, settings.processor_api_key)
    from boss_billing.adapters.sandbox_refunds import SandboxRefunds

    return SandboxRefunds()


def processor_place(settings: BillingSettings) -> "Place":
    """Choose where the processor's files lie: a folder of this machine, or an SFTP server."""
    if settings.processor_folder is not None:
        from boss_billing.adapters.places import Directory

        return Directory(settings.processor_folder)
    from boss_billing.adapters.sftp import Login, Sftp

    where, known_hosts = settings.sftp_server, settings.processor_sftp_known_hosts
    assert where is not None, "the settings ask for a folder or a server"
    assert known_hosts is not None, "the settings ask for the server's key"
    key_file, password = settings.processor_sftp_key, settings.processor_sftp_password
    return Sftp(Login(where.host, where.port, where.user, where.folder, known_hosts, key_file, password))


def _simulator(house: House[BillingSettings], settings: BillingSettings) -> "Simulator":
    import csv

    from boss_billing.adapters.simulator import Simulator

    codes = resources.files("boss_billing") / "data" / "decline_codes.csv"
    with codes.open(encoding="utf-8") as lines:
        messages = {row["code"]: row["message"] for row in csv.DictReader(lines)}
    script, conduct = read_conduct(settings.sandbox_script, settings.sandbox_behaviour)
    return Simulator(house.engine, settings.sandbox_seed, messages, script, conduct)


def read_conduct(path: Path | None, shares: Sequence[str]) -> "tuple[Script, Conduct]":
    """Read what the simulator is told to do. Raises StartError naming the setting, and the line of a script."""
    from boss_billing.adapters.chance import read_script
    from boss_billing.adapters.conduct import Conduct, read_dictated, read_per_mille

    try:
        script = read_script(path) if path else {}
        dictated = read_dictated(path) if path else {}
    except (OSError, ValueError) as error:
        raise StartError(f"BOSS_SANDBOX_SCRIPT: {path}, {error}.") from error
    try:
        return script, Conduct(dictated, read_per_mille(shares))
    except ValueError as error:
        raise StartError(f"BOSS_SANDBOX_BEHAVIOUR: {error}.") from error


def problems(settings: BillingSettings) -> list[str]:
    """List what is wrong with what only the simulator is told: how it decides and misbehaves."""
    if settings.processor != SANDBOX:
        return []
    try:
        read_conduct(settings.sandbox_script, settings.sandbox_behaviour)
    except StartError as error:
        return [str(error)]
    return []


def _web(house: House[BillingSettings], settings: BillingSettings) -> Any:
    if not settings.webhook_secrets:
        return None
    from boss_billing.callbacks.webhook import processor_webhook
    from boss_kit.web import WebServer, make_app

    return WebServer(make_app(house.units, [processor_webhook(settings.webhook_secrets)]), settings.http_address)


def check_books() -> int:
    """Prove the books of every enterprise and print what is wrong; give the exit code."""
    import os
    import sys

    from boss_billing.ledger.queries import check_ledger
    from boss_billing.units.store import enterprises
    from boss_kit.context import SYSTEM, Context

    house = SERVICE.open(BillingSettings.from_environ(os.environ), pool_size=1)
    wrong = 0
    try:
        with house.units.read(Context(actor=SYSTEM)) as tx:
            for enterprise_id in enterprises(tx.connection):
                proof = check_ledger(tx, enterprise_id)
                lines = [*proof.problems, f"{proof.charges_billed_twice} charges billed twice"]
                wrong += len(proof.problems) + proof.charges_billed_twice
                sys.stdout.write(f"{enterprise_id}: {proof.transfers} transfers, {'; '.join(lines)}\n")
    finally:
        house.close()
    return 1 if wrong else 0


def check_files() -> int:
    """Come to where the processor's files lie and print what is wrong; give the exit code."""
    import os
    import sys

    from boss_billing.adapters.places import PlaceAwayError

    settings = BillingSettings.from_environ(os.environ)
    if settings.processor != FILE:
        sys.stdout.write(f"BOSS_PROCESSOR is {settings.processor!r}: its processor exchanges no files.\n")
        return 1
    try:
        with processor_place(settings).open() as files:
            waiting = len(files.names("responses"))
    except PlaceAwayError as error:
        sys.stdout.write(f"{error.message}\n")
        return 1
    sys.stdout.write(f"The place of the processor's files is there; {waiting} responses wait to be read.\n")
    return 0
