"""Business units as agreements tells them, and how each bills."""
