"""Payments sent to the processor together (SPEC BIL-3)."""
