"""Steps: what is due on a day, its release, its results."""
