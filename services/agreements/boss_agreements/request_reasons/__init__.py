"""Why exceptions are made to rules, and why credit is given."""
