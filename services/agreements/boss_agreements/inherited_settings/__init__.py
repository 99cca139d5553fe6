"""What each level of the hierarchy decides, and what it takes over from above."""
