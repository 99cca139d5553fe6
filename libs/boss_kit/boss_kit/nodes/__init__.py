"""Real servers as child processes: what tests, benches and the one-machine installation run on."""
