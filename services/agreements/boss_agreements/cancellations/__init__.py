"""Requests to cancel agreements or items of them, and what goes back to the customer."""
