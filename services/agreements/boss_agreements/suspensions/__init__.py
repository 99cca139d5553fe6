"""Freezes and holds, and what they do to a schedule."""
