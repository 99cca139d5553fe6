"""Accounts receivable management: who is in it, what they are told and when, and what came of it (SPEC 4)."""
