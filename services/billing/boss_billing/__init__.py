"""Invoices, payments, batches and the ledger of a club chain (SPEC 3)."""
