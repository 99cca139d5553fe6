"""Credits and debits that staff give and charge beside sales (SPEC BIL-11)."""
