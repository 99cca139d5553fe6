"""The schema, forward only."""
