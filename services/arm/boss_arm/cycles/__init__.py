"""Cycles: an account's time in accounts receivable management, from entry to exit."""
