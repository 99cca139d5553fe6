"""What members may use: units and access that billed cycles grant, and the desk that takes them."""
