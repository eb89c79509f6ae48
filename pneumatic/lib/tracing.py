"""Traces by OpenTelemetry; without OTEL_EXPORTER_OTLP_ENDPOINT we import nothing of it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

SERVICE: Final = "pneumatic-chat"
# The last one: secrets of single sign-on stand in its addresses.
_NOT_TRACED: Final = "healthz,readyz,metrics,static/,sign-on/"
#: Attributes that hold an address, under their old names and their new one.
_ADDRESSES: Final = frozenset({"http.url", "http.target", "url.full"})
_OFF: Final[AbstractContextManager[None]] = nullcontext()
_tracer: "Tracer | None" = None


def configure() -> "TracerProvider | None":
    """Start exporting, and return the provider; None and no effect when tracing is off.

    To be called once, before Django's application is made: the instrumentation adds a middleware.
    """
    global _tracer
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT or _tracer is not None:
        return None
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    address = settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/")
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces")))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(
        tracer_provider=provider, excluded_urls=_NOT_TRACED, request_hook=_forget_query
    )
    PsycopgInstrumentor().instrument(tracer_provider=provider)
    RedisInstrumentor().instrument(tracer_provider=provider)
    _tracer = provider.get_tracer(SERVICE)
    return provider


def _forget_query(span: "Span", request: object) -> None:
    """Take the query string out of a request's span: it holds whom one looked for, and mistakes."""
    for name, value in dict(getattr(span, "attributes", None) or {}).items():
        if name in _ADDRESSES:
            span.set_attribute(name, str(value).partition("?")[0])
        elif name == "url.query":
            span.set_attribute(name, "")


def is_on() -> bool:
    """Whether spans go anywhere."""
    return _tracer is not None


def span(name: str, **attributes: str | int | float | bool) -> AbstractContextManager[Any]:
    """A span around the block, failed when the block raises; free of cost when tracing is off.

    Attributes are ids, kinds and counts: never what people write.
    """
    return _OFF if _tracer is None else _span(_tracer, name, attributes)


@contextmanager
def _span(tracer: "Tracer", name: str, attributes: dict[str, Any]) -> Iterator[Any]:
    with tracer.start_as_current_span(name, attributes=attributes) as current:
        yield current
