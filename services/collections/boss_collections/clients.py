"""Collections asks no other service: what it needs to know comes as facts, so it answers while all others are down."""
