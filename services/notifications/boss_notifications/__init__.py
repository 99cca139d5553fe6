"""Messages on their way out, and what became of them (SPEC NOT, ARM-9)."""
