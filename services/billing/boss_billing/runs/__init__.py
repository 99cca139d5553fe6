"""Bill runs: from what is due to what is submitted (SPEC BIL-1)."""
