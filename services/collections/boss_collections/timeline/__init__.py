"""Collections' part of an account's story."""
