"""The command line of a service, in real processes."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pika
import pytest
import sqlalchemy as sa
from boss.platform.v1 import clock_service_pb2, clock_service_pb2_grpc, task_service_pb2, task_service_pb2_grpc
from google.type import date_pb2
from pika.exceptions import AMQPError

from boss_kit.events.topology import queue_name
from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.testing.tokens import TokenMaker
from boss_kit.testing.waiting import eventually

EXIT_CODE_CONFIGURATION = 78


def channel_to(address: str, token: str) -> BossChannel:
    return BossChannel(open_channel(address), "collections", lambda _context: token, wait_for_ready=True)


def test_a_process_without_its_settings_refuses_to_start_and_says_what_is_missing(probe: Any) -> None:
    ended = probe.run("serve", DATABASE_URL="", BOSS_JWKS="", BOSS_POOL_SERVE="many")
    assert ended.returncode == EXIT_CODE_CONFIGURATION
    for part in ("DATABASE_URL is missing", "BOSS_JWKS is missing", "BOSS_POOL_SERVE is 'many': use a whole number"):
        assert part in ended.stderr


def test_a_process_refuses_a_schema_that_is_too_old_and_says_what_to_do(probe: Any) -> None:
    ended = probe.run("run")
    assert ended.returncode == 1
    assert "run `migrate` first" in ended.stderr


NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("command", "changes", "says"),
    [
        (("serve",), {"DATABASE_URL": f"postgresql://{NOBODY}/x"}, "DATABASE_URL: the database doesn't answer"),
        (("run",), {"DATABASE_URL": f"postgresql://{NOBODY}/x"}, "DATABASE_URL: the database doesn't answer"),
        (("migrate",), {"DATABASE_URL": f"postgresql://{NOBODY}/x"}, "DATABASE_URL: the database doesn't answer"),
        (("serve",), {"BOSS_GRPC_ADDRESS": "{taken}"}, "BOSS_GRPC_ADDRESS: can't listen on 127.0.0.1:"),
        (("serve",), {"BOSS_METRICS_ADDRESS": "{taken}"}, "BOSS_METRICS_ADDRESS: can't listen on 127.0.0.1:"),
        (("serve",), {"BOSS_JWKS": f"http://{NOBODY}/keys"}, "BOSS_JWKS: no keys can be read"),
        (("run",), {"BOSS_CONSUMERS": "bilingsgate"}, "BOSS_CONSUMERS: no such consumers: bilingsgate; there are"),
        (("work", "--index", "2", "--of", "2"), {}, "--index is 2: it must lie between 0 and 1"),
    ],
)
def test_a_process_that_can_not_start_names_the_setting_in_one_line(
    probe: Any, command: tuple[str, ...], changes: dict[str, str], says: str
) -> None:
    assert probe.run("migrate").returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        ended = probe.run(*command, **{key: value.format(taken=taken) for key, value in changes.items()})
    *_, logged, told = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert says in told
    assert says in json.loads(logged)["reason"]
    assert "Traceback" not in ended.stderr


def test_check_names_a_key_that_is_none_or_another_ones(probe: Any, tokens: TokenMaker, tmp_path: Path) -> None:
    assert probe.run("migrate").returncode == 0
    no_key = tmp_path / "key.pem"
    no_key.write_text("no key")
    found = probe.run("check", BOSS_SERVICE_KEY=str(no_key)).stdout
    assert f"BOSS_SERVICE_KEY: {no_key} is no private key" in found
    found = probe.run("check", BOSS_SERVICE_KEY=str(tokens.service_key("billing"))).stdout
    assert "BOSS_SERVICE_KEY: " in found
    assert "isn't the key that" in found
    found = probe.run("check", BOSS_JWKS=str(no_key)).stdout
    assert f"BOSS_JWKS: {no_key} gives no keys" in found


def test_check_logs_in_to_the_broker(probe: Any, amqp_url: str) -> None:
    assert probe.run("migrate").returncode == 0
    assert probe.run("check", AMQP_URL=amqp_url).stdout == "all is well\n"
    parts = urlsplit(amqp_url)
    wrong = f"amqp://guest:wrong@{parts.hostname}:{parts.port}/"
    found = probe.run("check", AMQP_URL=wrong)
    assert (found.returncode, found.stdout.count("\n")) == (1, 1)
    assert "AMQP_URL: the broker doesn't let us in: " in found.stdout
    assert "wrong" not in found.stdout


def test_check_finds_what_is_wrong_and_then_nothing(probe: Any) -> None:
    before = probe.run("check")
    assert (before.returncode, before.stdout.count("\n")) == (1, 1)
    assert "The schema is at 0000, this version needs 0002" in before.stdout
    assert probe.run("migrate").returncode == 0
    after = probe.run("check")
    assert (after.returncode, after.stdout) == (0, "all is well\n")


def test_check_prints_the_table_of_settings(probe: Any) -> None:
    printed = probe.run("check", "--settings").stdout
    assert "| `DATABASE_URL` | required |" in printed
    assert "| `BOSS_PROBE_GREETING` | `hello` | What the job writes. |" in printed


def test_a_job_asked_for_over_grpc_is_done_by_run_and_seen_in_the_status(
    probe: Any, started: Any, tokens: TokenMaker, empty_url: str
) -> None:
    assert probe.run("migrate").returncode == 0
    serving, running = started("serve"), started("run")
    channel = channel_to(probe.address, tokens.token())
    parent, day = f"enterprises/{uuid4()}", date_pb2.Date(year=2026, month=3, day=1)
    for _ in range(2):
        request = task_service_pb2.RunJobRequest(job="greet", parent=parent, business_date=day, request_id=str(uuid4()))
        task_service_pb2_grpc.TaskServiceStub(channel).RunJob(request)
    wait_until_idle(channel)
    assert read_notes(empty_url) == ["hello 2026-03-01"]
    for process in (serving, running):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors


def test_a_killed_runner_leaves_its_task_to_the_next(
    probe: Any, started: Any, tokens: TokenMaker, empty_url: str
) -> None:
    assert probe.run("migrate").returncode == 0
    engine = sa.create_engine(empty_url)
    started("serve")
    channel = channel_to(probe.address, tokens.token())
    parent, day = f"enterprises/{uuid4()}", date_pb2.Date(year=2026, month=3, day=1)
    with engine.connect() as connection, connection.begin():
        # The lock holds the task up in the middle of its work.
        connection.execute(sa.text("LOCK TABLE note IN ACCESS EXCLUSIVE MODE"))
        running = started("run")
        request = task_service_pb2.RunJobRequest(job="greet", parent=parent, business_date=day, request_id=str(uuid4()))
        task_service_pb2_grpc.TaskServiceStub(channel).RunJob(request)
        wait_for_lock(engine)
        running.kill()
        running.wait()
    engine.dispose()
    started("run")
    wait_until_idle(channel)
    assert "hello 2026-03-01" in read_notes(empty_url)


def test_a_worker_on_the_local_bus_starts_and_ends(probe: Any, started: Any) -> None:
    assert probe.run("migrate").returncode == 0
    worker = started("work", "--index", "0", "--of", "2")
    worker.send_signal(signal.SIGTERM)
    _, errors = worker.communicate(timeout=30)
    assert worker.returncode == 0, errors
    assert all(json.loads(line)["service"] == "collections" for line in errors.splitlines())


def test_a_worker_on_rabbitmq_starts_and_ends(probe: Any, amqp_url: str) -> None:
    assert probe.run("migrate").returncode == 0
    probe.environ["AMQP_URL"] = amqp_url
    # The other doors speak to the broker from processes that have gRPC; this one must not.
    worker = probe.start("work", "--index", "1", "--of", "2")
    try:
        assert eventually(lambda: has_consumers(amqp_url, queue_name("collections", 1)))
        worker.send_signal(signal.SIGTERM)
        _, errors = worker.communicate(timeout=30)
    finally:
        worker.kill()
    assert worker.returncode == 0, errors


def has_consumers(amqp_url: str, queue: str) -> bool:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        return bool(connection.channel().queue_declare(queue, passive=True).method.consumer_count)
    except AMQPError:
        return False
    finally:
        if connection.is_open:
            connection.close()


def test_a_worker_never_imports_grpc(probe: Any) -> None:
    assert probe.run("migrate").returncode == 0
    code = (
        "import sys, probe.app, boss_kit.process; "
        "assert not [name for name in sys.modules if name.split('.')[0] == 'grpc']"
    )
    subprocess.run([sys.executable, "-c", code], env=probe.environ, check=True, timeout=60)


def wait_until_idle(channel: BossChannel) -> None:
    clock = clock_service_pb2_grpc.ClockServiceStub(channel)
    assert eventually(lambda: clock.GetStatus(clock_service_pb2.GetStatusRequest()).open_tasks == 0)


def wait_for_lock(engine: sa.Engine) -> None:
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def is_held_up() -> bool:
        with engine.connect() as connection:
            return bool(connection.scalar(waiting))

    assert eventually(is_held_up)


def read_notes(url: str) -> list[Any]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = list(connection.scalars(sa.text("SELECT text FROM note")))
    engine.dispose()
    return found
