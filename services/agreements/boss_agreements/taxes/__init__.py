"""Taxes: items name them, each unit has its own rates."""
