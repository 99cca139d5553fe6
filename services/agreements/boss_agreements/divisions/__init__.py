"""The regions of an enterprise."""
