"""Start a process of billing: `serve`, `work`, `run`, `migrate`, `check`; `check --ledger` proves the books, too."""

import sys

from boss_kit.process import main

arguments = [argument for argument in sys.argv[1:] if argument != "--ledger"]
exit_code = main("boss_billing.app", arguments)
if "--ledger" in sys.argv[1:] and exit_code == 0:
    from boss_billing.app import check_books

    exit_code = check_books()
raise SystemExit(exit_code)
