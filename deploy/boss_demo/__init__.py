"""The demonstration: a club's export, three months of billing, and what became of everybody."""
