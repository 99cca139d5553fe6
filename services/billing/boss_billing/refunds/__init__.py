"""Money that goes back: itemized returns, and refunds to where the money came from (SPEC BIL-11)."""
