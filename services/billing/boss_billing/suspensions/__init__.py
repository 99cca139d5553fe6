"""Suspensions as agreements tells them: what isn't collected for a while (SPEC SUS-4)."""
