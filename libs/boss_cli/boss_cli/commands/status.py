"""`boss status`: how the five services are."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import typer
from boss.platform.v1 import clock_service_pb2

from boss_cli import screen
from boss_cli.clients import SERVICES, Clients
from boss_cli.failures import sentence
from boss_cli.session import session_of
from boss_kit.errors import BossError
from boss_kit.events.topology import load_topology

ANSWER_S = 5.0
COLUMNS = ("service", "reachable", "time (UTC)", "outbox", "behind", "open tasks", "failed tasks", "parked events")
Answer = clock_service_pb2.GetStatusResponse | BossError


def status(context: typer.Context) -> None:
    """Show every service: reachable, its time, and what is left to do. Ends with 1 if one doesn't answer.

    Behind is how many events others have published that the service hasn't processed yet.
    """
    clients = session_of(context).clients
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        answers = dict(zip(SERVICES, pool.map(lambda service: _ask(clients, service), SERVICES), strict=True))
    rows = [_row(service, answers) for service in SERVICES]
    screen.out().print(screen.table(COLUMNS, rows, right=COLUMNS[3:]))
    failures = [answer for answer in answers.values() if isinstance(answer, BossError)]
    for failure in failures:
        screen.err().print(screen.clean(sentence(failure)))
    if failures:
        raise typer.Exit(1)


def _ask(clients: Clients, service: str) -> Answer:
    try:
        request = clock_service_pb2.GetStatusRequest()
        answer: clock_service_pb2.GetStatusResponse = clients.platform(service).clock.GetStatus(
            request, timeout=ANSWER_S
        )
    except BossError as error:
        return error
    return answer


def _row(service: str, answers: Mapping[str, Answer]) -> tuple[object, ...]:
    answer = answers[service]
    if isinstance(answer, BossError):
        return (service, "no", *([""] * (len(COLUMNS) - 2)))
    work = (answer.open_tasks, answer.failed_tasks, answer.parked_events)
    return (service, "yes", screen.time(answer.time), answer.outbox_events, _behind(service, answer, answers), *work)


def _behind(service: str, answer: clock_service_pb2.GetStatusResponse, answers: Mapping[str, Answer]) -> int:
    """Count what is published and not processed; of a producer that doesn't answer nothing is known."""
    processed = {(one.producer, one.partition): one.events for one in answer.processed}
    producers = load_topology().consumers[service]
    published = [
        one
        for producer in producers
        if not isinstance(found := answers[producer], BossError)
        for one in found.published
    ]
    return sum(max(0, one.events - processed.get((one.producer, one.partition), 0)) for one in published)
