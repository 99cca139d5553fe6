"""Batches, what the processor said of them, and what of it reached the bank (SPEC BIL-3, BIL-9)."""
