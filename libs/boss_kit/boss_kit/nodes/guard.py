"""Run a command and end it when our own starter is gone, even after its SIGKILL.

Started by file name, so it imports nothing but the standard library: `guard.py USER DIRECTORY command ...`; an empty
user is our own and an empty directory removes nothing. The starter holds the other end of our standard input.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading

GRACE_S = 5


def main(user: str, directory: str, *command: str) -> None:
    """Start the command, say its process id, and wait for it or for our starter to end."""
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        user=user or None,
        group=user or None,
        extra_groups=[] if user else None,
    )
    sys.stdout.write(f"{child.pid}\n")
    sys.stdout.flush()
    ending = threading.Event()
    threading.Thread(target=_end_with_command, args=(child, ending), daemon=True).start()
    # Not through sys.stdin, whose lock would still be held when the interpreter ends.
    while os.read(0, 4096):
        pass
    ending.set()
    # Data that is thrown away needs no orderly end.
    for number in (signal.SIGKILL,) if directory else (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(child.pid, number)
            child.wait(GRACE_S)
            break
    if directory:
        shutil.rmtree(directory, ignore_errors=True)


def _end_with_command(child: "subprocess.Popen[bytes]", ending: threading.Event) -> None:
    code = child.wait()
    if not ending.is_set():
        os._exit(abs(code))


if __name__ == "__main__":
    main(*sys.argv[1:])
