"""Transactions against open invoices, their attempts, and money taken at the desk (SPEC BIL-2, BIL-12)."""
