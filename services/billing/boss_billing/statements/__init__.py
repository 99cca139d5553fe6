"""Statements of accounts: what was owed, what happened, what is owed (SPEC BIL-10)."""
