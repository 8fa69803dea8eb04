"""A real HTTP host of weights on 127.0.0.1 whose behaviour the tests choose, and catalogues that name it."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from matted.config import Settings
from matted.inference.catalogue import Catalogue
from matted.inference.catalogue_file import read_models
from matted.inference.weights import Weights

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Host:
    """What the host does, and what it was asked: (path, Range, If-Range) of every request."""

    content: bytes = CONTENT
    etag: str = '"first"'
    ranges: bool = True
    cut_after: int | None = None  # bytes of a body after which the connection is dropped, for `cuts` requests
    cuts: int = 0
    pause_s: float = 0.0  # between chunks of 64 KiB
    port: int = 0
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def url(self, name: str = "file") -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append((request.path, wanted, condition))
        if request.path == "/moved":
            raise web.HTTPFound("/file")
        if request.path in ("/gated", "/gone", "/broken"):
            return web.Response(status={"/gated": 403, "/gone": 404, "/broken": 500}[request.path])
        start = 0
        if wanted and self.ranges and condition in (None, self.etag):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
        if start >= len(self.content):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(self.content)}"})
        response = web.StreamResponse(status=206 if start else 200, headers={"ETag": self.etag})
        response.content_length = len(self.content) - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        await response.prepare(request)
        end = len(self.content)
        if self.cuts and self.cut_after is not None:
            self.cuts -= 1
            end = start + self.cut_after
        for position in range(start, end, 65536):
            await response.write(self.content[position : min(end, position + 65536)])
            await asyncio.sleep(self.pause_s)
        if end < len(self.content):
            request.transport.abort()
        return response


@contextmanager
def serving() -> Iterator[Host]:
    """A running host."""
    host, ready, loop = Host(), threading.Event(), asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/{name}", host.answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host.port = runner.addresses[0][1]
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield host
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def entry(urls: list[str], *, model_id: str = "m", commercial: bool = True, checks: str | None = None) -> str:
    """A catalogue entry for one file at those addresses; `checks`: its size and checksum lines."""
    checks = f'size = {len(CONTENT)}\nsha256 = "{SHA256}"' if checks is None else checks
    return f"""
[[model]]
id = "{model_id}"
title = "Model {model_id}"
licence = "{"MIT" if commercial else "NC-1.0"}"
commercial = {str(commercial).lower()}
homepage = "https://example.org/{model_id}"
source = "made by the tests"
[[model.file]]
name = "{model_id}.onnx"
urls = {urls}
{checks}
"""


def store(folder: Path, *entries: str) -> Weights:
    """A store below `folder` with a catalogue of those entries."""
    path = folder / "test-catalogue.toml"
    path.write_text("format = 1\n" + "".join(entries), "utf-8")
    return Weights(Settings(models_dir=folder / "models"), Catalogue(read_models(path, {}).values()))
