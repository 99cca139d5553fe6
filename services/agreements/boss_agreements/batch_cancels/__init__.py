"""Cancel the agreements of those who owe for long, previewed and confirmed (SPEC AGR-12)."""
