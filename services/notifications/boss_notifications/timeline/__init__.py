"""The notifications' part of an account's story."""
