"""`python -m boss_stack.node postgres|rabbitmq DIRECTORY PORT`: one server in the foreground, for the supervisor."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import LOCALHOST
from boss_kit.nodes.rabbitmq import RabbitNode, find_server

POLL_S = 0.2
# Five services keep a pool per process; two workers each need more than PostgreSQL's own 100.
DATABASE_SETTINGS = {"max_connections": "250", "shared_buffers": "256MB"}
IMAGES = {
    "postgres": ("postgres:18", 5432, ["-e", "POSTGRES_HOST_AUTH_METHOD=trust"]),
    "rabbitmq": ("rabbitmq:4", 5672, []),
}


def docker_runs() -> bool:
    """Tell whether a Docker engine answers."""
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def main(kind: str, directory: str, port: str) -> int:
    """Run the server until it ends, or until we are told to end it."""
    if docker_runs():
        return _run_container(kind, int(port))
    node = _node(kind, Path(directory), int(port))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    node.start()
    while not stopped.wait(POLL_S):
        if not node.running:
            return 1
    node.stop()
    return 0


def _node(kind: str, directory: Path, port: int) -> PostgresNode | RabbitNode:
    if kind == "postgres":
        return PostgresNode(directory, port=port, settings=DATABASE_SETTINGS)
    if find_server() is None:
        sys.exit(
            "there is no rabbitmq-server here: install it (Debian: apt-get install rabbitmq-server), "
            "or set BOSS_STACK_AMQP_URL"
        )
    return RabbitNode(directory, port=port)


def _run_container(kind: str, port: int) -> int:
    image, inner_port, options = IMAGES[kind]
    command = ["docker", "run", "--rm", "-p", f"{LOCALHOST}:{port}:{inner_port}", *options, image]
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.terminate())
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
