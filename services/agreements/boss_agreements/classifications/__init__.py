"""What kinds of relationship agreements make."""
