"""This service's part of an account's story."""
