"""Traces through gRPC, outbox and broker; nothing is paid for them until an endpoint is set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import Tracer


class _State:
    tracer: "Tracer | None" = None


class Span:
    """A step of a trace; without telemetry an empty one."""

    def __init__(self, inner: "OtelSpan | None" = None, traceparent: str = "") -> None:
        self._inner = inner
        self.traceparent = traceparent

    def end_with(self, code: str) -> None:
        """Note the canonical code the step ended with."""
        if self._inner is not None:
            self._inner.set_attribute("rpc.grpc.status", code)

    def note(self, name: str, value: str | int) -> None:
        """Add an attribute."""
        if self._inner is not None:
            self._inner.set_attribute(name, value)


_EMPTY = Span()


def set_up(service: str, endpoint: str) -> None:
    """Send spans by OTLP over HTTP where an endpoint is set; gRPC's exporter can't live beside eventlet."""
    if not endpoint or _State.tracer is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"boss-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")))
    use(provider)


def use(provider: Any) -> None:
    """Take a tracer provider, or none."""
    _State.tracer = provider.get_tracer("boss_kit") if provider is not None else None


def is_on() -> bool:
    """Tell whether spans go anywhere."""
    return _State.tracer is not None


@contextmanager
def span(name: str, *, kind: str = "internal", parent: str = "") -> Iterator[Span]:
    """Open a step, below the trace that `parent` names where there is one."""
    if _State.tracer is None:
        yield _EMPTY
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    propagator = TraceContextTextMapPropagator()
    above = propagator.extract({"traceparent": parent}) if parent else None
    with _State.tracer.start_as_current_span(name, context=above, kind=SpanKind[kind.upper()]) as inner:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        yield Span(inner, carrier.get("traceparent", ""))


def current_traceparent() -> str:
    """Name the present step, empty where there is none."""
    from boss_kit.rpc.calls import current_context

    if _State.tracer is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        if "traceparent" in carrier:
            return carrier["traceparent"]
    context = current_context()
    return context.traceparent if context else ""
