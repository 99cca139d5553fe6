"""The documents behind movements of money: what, why, who, and who approved (SPEC BIL-10, BIL-11)."""
