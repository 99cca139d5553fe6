"""Providers: the port, and what stands behind it (SPEC NOT-2)."""
