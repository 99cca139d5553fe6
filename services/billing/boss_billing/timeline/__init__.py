"""Billing's part of an account's story."""
