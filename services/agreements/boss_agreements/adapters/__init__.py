"""What talks to the outside world: the press that sets documents."""
