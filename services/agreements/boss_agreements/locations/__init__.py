"""The places of a business unit."""
