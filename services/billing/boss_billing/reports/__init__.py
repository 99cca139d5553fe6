"""The reports a billing period is reconciled with, and the rollups they read (SPEC BIL-9)."""
