"""The books: every movement of money is a balanced transfer (SPEC BIL-10)."""
