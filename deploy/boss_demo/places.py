"""Where the demo's files are."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
DATA_CSV = _HERE / "data" / "club.csv"
TOPOLOGY = _HERE.parent.parent / "protos" / "topology.yaml"
