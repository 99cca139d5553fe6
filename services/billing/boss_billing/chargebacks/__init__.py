"""Payments that a bank took back, and those it gave again (SPEC BIL-8, BIL-11)."""
