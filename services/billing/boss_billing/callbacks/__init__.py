"""What processors tell us, kept first and applied once (SPEC BIL-8)."""
