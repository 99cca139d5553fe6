"""Agreements copied to a new number: rewrites, renewals, upgrades, changes of the bill date."""
