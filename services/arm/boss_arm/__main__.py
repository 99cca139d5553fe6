"""`python -m boss_arm serve | work | run | migrate | check`."""

from boss_kit.process import main

if __name__ == "__main__":
    raise SystemExit(main("boss_arm.app"))
