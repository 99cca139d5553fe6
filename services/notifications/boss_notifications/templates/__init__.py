"""Templates: text with placeholders, and recordings (SPEC NOT-3, NOT-6)."""
