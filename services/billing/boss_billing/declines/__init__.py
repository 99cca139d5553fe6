"""What a response code means, and how often networks let us try (SPEC BIL-5)."""
