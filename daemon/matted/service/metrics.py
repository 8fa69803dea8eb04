"""Counts and times of the running daemon in the Prometheus text format (version 0.0.4).

A few counters and gauges need no library. Knows nothing of what it counts.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Meters:
    """What happened since the daemon began. Used on the event loop's thread alone."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._stage_s: defaultdict[str, float] = defaultdict(float)
        self._stage_n: Counter[str] = Counter()

    def answered(self, method: str, route: str, status: int) -> None:
        """A request to `route` was answered."""
        self._requests[method, route, status] += 1

    def took(self, seconds: Mapping[str, float]) -> None:
        """Stages of the chain took so long."""
        for stage, value in seconds.items():
            self._stage_s[stage] += value
            self._stage_n[stage] += 1

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Everything as text. `gauges`: name to (help, value)."""
        lines = list(_family("matted_requests_total", "counter", "Requests answered.", self._request_lines()))
        lines += _family(
            "matted_stage_seconds_sum", "counter", "Time spent in a stage.", _per_stage(self._stage_s)
        )
        lines += _family(
            "matted_stage_seconds_count", "counter", "Runs of a stage.", _per_stage(self._stage_n)
        )
        for name, (text, value) in gauges.items():
            lines += _family(f"matted_{name}", "gauge", text, [("", value)])
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> Iterable[tuple[str, float]]:
        for (method, route, status), count in sorted(self._requests.items()):
            yield f'{{method="{method}",route="{route}",status="{status}"}}', count


METERS = web.AppKey("meters", Meters)


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts every answer by route and status."""
    response = await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    method = request.method if resource is not None else "none"
    request.app[METERS].answered(method, route, response.status)
    return response


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> Iterable[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{labels} {value:.10g}"


def _per_stage(values: Mapping[str, float]) -> Iterable[tuple[str, float]]:
    for stage, value in sorted(values.items()):
        yield f'{{stage="{stage}"}}', value
