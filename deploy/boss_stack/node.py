"""`python -m boss_stack.node postgres|rabbitmq DIRECTORY PORT`: one server in the foreground, for the supervisor."""

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import LOCALHOST
from boss_kit.nodes.rabbitmq import RabbitNode, find_server

POLL_S = 0.2
# Five services keep a pool per process; two workers each need more than PostgreSQL's own 100.
DATABASE_SETTINGS = {"max_connections": "250", "shared_buffers": "256MB"}


@dataclass(frozen=True)
class Image:
    """A server as a container: its image, its port, where its data are, options before and words after the image."""

    name: str
    port: int
    data: str
    options: tuple[str, ...]
    words: tuple[str, ...] = ()


IMAGES = {
    "postgres": Image(
        "postgres:18",
        5432,
        "/var/lib/postgresql",
        ("-e", "POSTGRES_HOST_AUTH_METHOD=trust"),
        ("postgres", *(word for name, value in DATABASE_SETTINGS.items() for word in ("-c", f"{name}={value}"))),
    ),
    # RabbitMQ keeps its queues under the name of its host; a new container's own would begin with none.
    "rabbitmq": Image("rabbitmq:4", 5672, "/var/lib/rabbitmq", ("--hostname", "rabbitmq")),
}


def docker_runs() -> bool:
    """Tell whether a Docker engine answers."""
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def main(kind: str, directory: str, port: str) -> int:
    """Run the server until it ends, or until we are told to end it."""
    if docker_runs():
        return _run_container(kind, Path(directory), int(port))
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
    return RabbitNode(directory, port=port)


def what_is_missing() -> str | None:
    """Say what a broker of our own lacks here, and the way out; None if there is all it needs."""
    if docker_runs() or find_server() is not None:
        return None
    return (
        "There is neither a Docker engine nor a rabbitmq-server here: install one (Debian: apt-get install "
        "rabbitmq-server), or name a broker you have in BOSS_STACK_AMQP_URL."
    )


def wipe_volumes(folder: Path) -> None:
    """Remove the data that containers of an installation keep outside its folder."""
    if docker_runs():
        for kind in IMAGES:
            subprocess.run(
                ["docker", "volume", "rm", "-f", _volume(kind, folder / kind)], capture_output=True, check=False
            )


def _volume(kind: str, directory: Path) -> str:
    return f"boss-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}-{kind}"


def _run_container(kind: str, directory: Path, port: int) -> int:
    image = IMAGES[kind]
    # The container goes with the process, its data stay in a volume.
    place = ["-p", f"{LOCALHOST}:{port}:{image.port}", "-v", f"{_volume(kind, directory)}:{image.data}"]
    process = subprocess.Popen(["docker", "run", "--rm", *place, *image.options, image.name, *image.words])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.terminate())
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
