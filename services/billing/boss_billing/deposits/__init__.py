"""What reached the bank: deposits from statement files and callbacks, booked from clearing to bank (SPEC BIL-9)."""
