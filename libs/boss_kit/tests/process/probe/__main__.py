"""python -m probe."""

from boss_kit.process import main

raise SystemExit(main("probe.app"))
