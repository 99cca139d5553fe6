"""What providers report, and the table that says what it means (SPEC ARM-9)."""
