"""When an invoice is tried again after a decline, and why on that day (SPEC BIL-6)."""
