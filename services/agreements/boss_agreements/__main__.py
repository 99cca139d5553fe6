"""python -m boss_agreements serve | work | run | migrate | check."""

from boss_kit.process import main

raise SystemExit(main("boss_agreements.app"))
