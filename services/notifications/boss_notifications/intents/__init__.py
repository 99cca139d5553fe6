"""Notifications on their way: requested, held, sending, sent, answered, not sent, unknown."""
