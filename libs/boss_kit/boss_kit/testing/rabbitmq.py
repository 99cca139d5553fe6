"""Real RabbitMQ for tests (DESIGN 8): `BOSS_TEST_AMQP_URL`, else Docker, else a throw-away node of the installed one.

Where none of them is there and we are root on Debian, it is installed. Tests are never skipped for want of a broker.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from boss_kit.nodes.process import open_directory
from boss_kit.nodes.rabbitmq import RabbitNode, find_server

IMAGE = "rabbitmq:4-alpine"
INSTALL_S_MAX = 600
DOCKER_S_MAX = 10
_NO_SERVICE_START = "#!/bin/sh\nexit 101\n"
_POLICY = Path("/usr/sbin/policy-rc.d")


@contextmanager
def running_rabbitmq() -> Iterator[str]:
    """Lend a broker for a while: give its address."""
    given = os.environ.get("BOSS_TEST_AMQP_URL")
    if given:
        yield given
    elif docker_answers():
        yield from _container()
    else:
        with running_node() as node:
            yield node.url


@contextmanager
def running_node() -> Iterator[RabbitNode]:
    """Lend a broker that may be killed and started again."""
    if find_server() is None:
        install_server()
    node = RabbitNode(open_directory("boss_rabbitmq_"), throw_away=True)
    try:
        node.start()
        yield node
    finally:
        node.stop()


def docker_answers() -> bool:
    """Tell whether a Docker daemon is there to run containers."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(["docker", "version"], capture_output=True, timeout=DOCKER_S_MAX, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def install_server() -> None:
    """Install the server with apt. Raises RuntimeError where that can't be."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(
            "The event tests need RabbitMQ. Set BOSS_TEST_AMQP_URL, start Docker, or install rabbitmq-server "
            "(as root on Debian the tests install it themselves)."
        )
    # The package would start a node of the system's own; nobody asked for that one.
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text(_NO_SERVICE_START)
        _POLICY.chmod(0o755)
    try:
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "--no-install-recommends", "rabbitmq-server"],
        ):
            subprocess.run(command, check=True, capture_output=True, env=environ, timeout=INSTALL_S_MAX)
    finally:
        if ours:
            _POLICY.unlink()


def _container() -> Iterator[str]:
    # Imported here: it looks for a Docker daemon on import.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    ready = LogMessageWaitStrategy("Server startup complete")
    with DockerContainer(IMAGE).with_exposed_ports(5672).waiting_for(ready) as container:
        yield f"amqp://guest:guest@{container.get_container_host_ip()}:{container.get_exposed_port(5672)}/"


@pytest.fixture(scope="session")
def amqp_url() -> Iterator[str]:
    """Lend one broker to all tests of the run."""
    with running_rabbitmq() as url:
        yield url


@pytest.fixture
def rabbit_node() -> Iterator[RabbitNode]:
    """Lend a broker that the test may kill and start again."""
    with running_node() as node:
        yield node
