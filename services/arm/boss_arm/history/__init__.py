"""The history: what was done about an account, and every delivery."""
