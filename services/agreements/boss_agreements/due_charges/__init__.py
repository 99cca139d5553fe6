"""What is due, closed days, and billing's answers."""
