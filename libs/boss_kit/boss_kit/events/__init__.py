"""Facts between services: envelope, outbox, relay, consumers, parking (DESIGN 3)."""
