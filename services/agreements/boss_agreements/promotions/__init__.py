"""Better prices for a time."""
