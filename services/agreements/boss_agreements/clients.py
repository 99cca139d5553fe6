"""Agreements asks no other service: it owns what is due, and learns the answers from events."""
