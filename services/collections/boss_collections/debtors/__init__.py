"""Who owes as of a day (SPEC COL-1)."""
