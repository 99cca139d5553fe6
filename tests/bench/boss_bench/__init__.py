"""What the system reaches, against the raw limit of the same run. A bench is a module with `run()`, giving results."""
