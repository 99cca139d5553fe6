"""The desk: who may come in or use a service, and why not."""
