"""A recording for the demo's telephone calls: three bells, in the form clubs upload theirs."""

import io
import math
import struct
import wave

SAMPLES_PER_S = 8000
AMPLITUDE = 9000
BELL_S = 0.5


def bells(frequencies_hz: tuple[int, ...] = (659, 523, 392)) -> bytes:
    """Make a WAV (RIFF/PCM, 16 bit, mono) with one fading tone per frequency."""
    samples: list[int] = []
    for frequency_hz in frequencies_hz:
        count = int(SAMPLES_PER_S * BELL_S)
        for index in range(count):
            fading = 1 - index / count
            samples.append(int(AMPLITUDE * fading * math.sin(2 * math.pi * frequency_hz * index / SAMPLES_PER_S)))
    target = io.BytesIO()
    with wave.open(target, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(SAMPLES_PER_S)
        recording.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return target.getvalue()
