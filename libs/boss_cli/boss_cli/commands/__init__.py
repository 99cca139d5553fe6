"""What `boss` can do, one file a topic."""
