"""`python -m boss_notifications serve | work | run | migrate | check`."""

from boss_kit.process import main

if __name__ == "__main__":
    raise SystemExit(main("boss_notifications.app"))
