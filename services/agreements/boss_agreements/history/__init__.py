"""What changed on an agreement, why and by whom: append-only."""
