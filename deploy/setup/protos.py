"""Generate the Python modules of protos/boss, with their types, into libs/boss_protos."""

import hashlib
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent.parent
PROTOS = ROOT / "protos"
THIRD_PARTY = PROTOS / "third_party"
TARGET = ROOT / "libs" / "boss_protos"
STAMP = TARGET / ".generated"
# google.* modules come with the protobuf and googleapis wheels; this one is in no wheel.
VALIDATE = "buf/validate/validate.proto"
# Who subscribes to whom, and who may call what, travel with the messages they are about.
DATA = (PROTOS / "topology.yaml", PROTOS / "roles.yaml")


def main() -> int:
    """Generate what is out of date, or everything with --force."""
    sources = sorted(PROTOS.joinpath("boss").rglob("*.proto"))
    fingerprint = _fingerprint([*sources, THIRD_PARTY / VALIDATE, *DATA, Path(__file__)])
    if "--force" not in sys.argv and STAMP.exists() and STAMP.read_text() == fingerprint:
        return 0
    STAMP.unlink(missing_ok=True)
    for package in ("boss", "buf"):
        shutil.rmtree(TARGET / package, ignore_errors=True)
    names = [source.relative_to(PROTOS).as_posix() for source in sources]
    status = _messages([*names, VALIDATE]) or _stubs([name for name in names if name.endswith("_service.proto")])
    if status:
        return status
    for package in ("boss", "buf"):
        (TARGET / package / "py.typed").touch()
    for data in DATA:
        shutil.copy(data, TARGET / "boss")
    STAMP.write_text(fingerprint)
    return 0


def _fingerprint(files: list[Path]) -> str:
    """Name a state of the sources and of the generators."""
    digest = hashlib.sha256("".join(version(tool) for tool in ("grpcio-tools", "mypy-protobuf")).encode())
    for file in files:
        digest.update(file.as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _messages(names: list[str]) -> int:
    """Generate messages and their types."""
    return _protoc(f"--python_out={TARGET}", f"--pyi_out={TARGET}", *names)


def _stubs(names: list[str]) -> int:
    """Generate gRPC stubs and servicers; grpc_tools writes them without types, so mypy-protobuf writes those."""
    plugin = Path(sys.executable).parent / "protoc-gen-mypy_grpc"
    return _protoc(
        f"--plugin=protoc-gen-mypy_grpc={plugin}",
        f"--grpc_python_out={TARGET}",
        f"--mypy_grpc_out=quiet:{TARGET}",
        *names,
    )


def _protoc(*arguments: str) -> int:
    """Run protoc over our protos and those they import."""
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    return int(protoc.main(["protoc", f"-I{PROTOS}", f"-I{THIRD_PARTY}", f"-I{well_known}", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
