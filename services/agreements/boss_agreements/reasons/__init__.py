"""Why agreements are cancelled, rewritten and suspended, and what each reason brings with it."""
