"""`boss status`: how the five services are."""

from concurrent.futures import ThreadPoolExecutor

import typer
from boss.platform.v1 import clock_service_pb2

from boss_cli import screen
from boss_cli.clients import SERVICES, Clients
from boss_cli.failures import sentence
from boss_cli.session import session_of
from boss_kit.errors import BossError

ANSWER_S = 5.0
COLUMNS = ("service", "reachable", "time (UTC)", "outbox", "open tasks", "failed tasks", "parked events")


def status(context: typer.Context) -> None:
    """Show every service: reachable, its time, and what is left to do. Ends with 1 if one doesn't answer."""
    clients = session_of(context).clients
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        answers = dict(zip(SERVICES, pool.map(lambda service: _ask(clients, service), SERVICES), strict=True))
    rows = [_row(service, answer) for service, answer in answers.items()]
    screen.out().print(screen.table(COLUMNS, rows, right=COLUMNS[3:]))
    failures = [answer for answer in answers.values() if isinstance(answer, BossError)]
    for failure in failures:
        screen.err().print(screen.clean(sentence(failure)))
    if failures:
        raise typer.Exit(1)


def _ask(clients: Clients, service: str) -> clock_service_pb2.GetStatusResponse | BossError:
    try:
        request = clock_service_pb2.GetStatusRequest()
        answer: clock_service_pb2.GetStatusResponse = clients.platform(service).clock.GetStatus(
            request, timeout=ANSWER_S
        )
    except BossError as error:
        return error
    return answer


def _row(service: str, answer: clock_service_pb2.GetStatusResponse | BossError) -> tuple[object, ...]:
    if isinstance(answer, BossError):
        return (service, "no", "", "", "", "", "")
    work = (answer.outbox_events, answer.open_tasks, answer.failed_tasks, answer.parked_events)
    return (service, "yes", screen.time(answer.time), *work)
