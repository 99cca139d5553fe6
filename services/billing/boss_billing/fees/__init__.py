"""Fees stand on invoices of their own and are owed until they are paid or waived by name (SPEC BIL-11)."""
