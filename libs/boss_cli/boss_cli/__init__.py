"""`boss`: the operator's command line, and the client library that drivers share with it."""
