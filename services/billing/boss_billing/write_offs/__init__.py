"""What nobody expects to be paid any more: a coupon equal to the balance (SPEC BIL-11)."""
