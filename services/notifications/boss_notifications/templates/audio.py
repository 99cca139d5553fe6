"""Recordings: RIFF/PCM, whole, not too long (SPEC NOT-6)."""

import struct
from dataclasses import dataclass

from boss_kit.errors import InvalidArgument
from boss_notifications.templates.rules import Recording

FIELD = "template.audio"
DURATION_MS_MAX = 120_000
SIZE_MAX = 3_000_000
HEAD_SIZE = 12
PCM, EXTENSIBLE = 0x0001, 0xFFFE
PCM_SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")
SAMPLE_RATES = range(4_000, 192_001)
_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")


@dataclass(frozen=True)
class Format:
    """The head of a recording."""

    channels: int
    sample_rate: int
    bytes_per_s: int
    frame_size: int
    bits: int


def check_recording(content: bytes) -> Recording:
    """Check a recording and tell its length. Raises InvalidArgument, saying what is wrong with it (SPEC NOT-6)."""
    if len(content) > SIZE_MAX:
        raise _refused(f"It has {len(content):,} bytes; at most {SIZE_MAX:,} are possible.")
    chunks = _chunks(content)
    if b"fmt " not in chunks:
        raise _refused("It has no format chunk; save it again as WAV (PCM).")
    head = _read_format(chunks[b"fmt "])
    if b"data" not in chunks:
        raise _refused("It has no sound: the data chunk is missing.")
    size = len(chunks[b"data"])
    duration_ms = size * 1000 // head.bytes_per_s
    if duration_ms == 0:
        raise _refused("It has no sound: the data chunk is empty.")
    if size % head.frame_size:
        raise _refused("It ends in the middle of a sample; save it again.")
    if duration_ms > DURATION_MS_MAX:
        raise _refused(f"It lasts {duration_ms / 1000:.1f} s; at most {DURATION_MS_MAX // 1000} s are possible.")
    return Recording(content, duration_ms)


def _chunks(content: bytes) -> dict[bytes, bytes]:
    if len(content) < HEAD_SIZE or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise _refused("It is no WAV file: it must begin with RIFF and WAVE.")
    declared = int.from_bytes(content[4:8], "little") + 8
    if declared > len(content):
        raise _refused(f"It is cut off: {declared:,} bytes are announced, {len(content):,} are there.")
    found: dict[bytes, bytes] = {}
    at = HEAD_SIZE
    while at + _CHUNK.size <= declared:
        name, size = _CHUNK.unpack_from(content, at)
        at += _CHUNK.size
        if at + size > declared:
            raise _refused(f"It is cut off in the chunk {name.decode('ascii', 'replace')!r}.")
        found.setdefault(name, content[at : at + size])
        at += size + size % 2
    return found


def _read_format(chunk: bytes) -> Format:
    if len(chunk) < _FORMAT.size:
        raise _refused("Its format chunk is too short.")
    kind, channels, sample_rate, bytes_per_s, frame_size, bits = _FORMAT.unpack_from(chunk)
    if kind == EXTENSIBLE and chunk[24:40] == PCM_SUBFORMAT:
        kind = PCM
    if kind != PCM:
        raise _refused(f"Its sound is compressed (format {kind:#06x}); save it as PCM.")
    if channels not in (1, 2) or bits not in (8, 16, 24, 32) or sample_rate not in SAMPLE_RATES:
        raise _refused(
            f"{channels} channels, {bits} bits at {sample_rate} Hz can't be played; use mono, 16 bits, 8,000 Hz."
        )
    if frame_size != channels * bits // 8 or bytes_per_s != sample_rate * frame_size:
        raise _refused("Its format chunk contradicts itself; save it again.")
    return Format(channels, sample_rate, bytes_per_s, frame_size, bits)


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument.field(FIELD, why, "INVALID_RECORDING")
