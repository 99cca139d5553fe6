"""`python -m boss_mail_catcher --folder FOLDER [--smtp-port 2525] [--http-port 8025]`: catch mail until told."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from boss_mail_catcher.catcher import LOCALHOST, MailCatcher


def main() -> int:
    """Catch mail until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="boss_mail_catcher", description="Catch mail and tell what was caught.")
    parser.add_argument("--folder", type=Path, required=True, help="mails go into its subfolder `emails`")
    parser.add_argument("--host", default=LOCALHOST, help="where to listen")
    parser.add_argument("--smtp-port", type=int, default=2525)
    parser.add_argument("--http-port", type=int, default=8025)
    options = parser.parse_args()
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    catcher = MailCatcher(options.folder, options.host, options.smtp_port, options.http_port)
    catcher.start()
    sys.stdout.write(f"SMTP at {catcher.smtp_address}, questions at {catcher.query_url}\n")
    sys.stdout.flush()
    told.wait()
    catcher.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
