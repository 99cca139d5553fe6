"""Start a process of billing: `serve`, `work`, `run`, `migrate`, `check`.

`check --ledger` proves the books, too; `check --files` comes to where the processor's files lie.
"""

import sys

from boss_kit.process import main

LEDGER, FILES = "--ledger", "--files"

exit_code = main("boss_billing.app", [argument for argument in sys.argv[1:] if argument not in (LEDGER, FILES)])
if LEDGER in sys.argv[1:] and exit_code == 0:
    from boss_billing.app import check_books

    exit_code = check_books()
if FILES in sys.argv[1:] and exit_code == 0:
    from boss_billing.app import check_files

    exit_code = check_files()
raise SystemExit(exit_code)
