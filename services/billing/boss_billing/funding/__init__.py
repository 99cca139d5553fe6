"""How accounts pay: sources, and the card updater that keeps them fresh (SPEC BIL-4)."""
