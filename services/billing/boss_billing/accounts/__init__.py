"""The money side of members: numbers, balances, credit, and their import."""
