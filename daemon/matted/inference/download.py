"""Fetches one file over HTTP into a part file that a later run can go on with.

The only place of `inference` that talks to the network. Knows no model: it is given addresses and the size to
expect, and leaves the checksum to its caller. aiohttp is loaded only when something is fetched.
"""

import asyncio
import re
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from matted import __version__
from matted.errors import Cancelled, MattedError, ModelError, NoNetwork, OutputFailed, WeightsDamaged
from matted.inference.disk import Progress, failed_to_write, read_json, write_json

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_ATTEMPTS = 4  # in a row without a single new byte
_PAUSE_S = 0.25  # before the second attempt; doubles with each
_CONNECT_S = 20.0
_STALL_S = 30.0  # without a byte, the connection counts as dead
_POLL_S = 0.05  # how often a wish to cancel is looked for
_CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _RefusedError(Exception):
    """This address will not give the file; another might. Carries the sentence."""

    def __init__(self, error: MattedError) -> None:
        super().__init__(str(error))
        self.error = error


def download(
    urls: Sequence[str],
    part: Path,
    notes: Path,
    *,
    size: int | None,
    progress: Progress,
    cancelled: threading.Event | None = None,
) -> str:
    """Completes `part` from the first address that gives the file, and returns that address.

    What `part` already holds is kept: the rest is asked for by range, on condition that the file at the
    address is still the same; `notes` is where its mark of identity is kept meanwhile. A dropped connection
    is taken up again by itself; after a cancel, a crash or a lost network the next call goes on. Blocks; call
    it from a thread without a running event loop. `progress` is called with bytes there and bytes in all (0
    while not known).
    Raises NoNetwork, ModelError (the host refuses), WeightsDamaged (another size), OutputFailed, Cancelled.
    """
    return asyncio.run(_until_cancelled(_Transfer(urls, part, notes, size, progress), cancelled))


async def _until_cancelled(transfer: "_Transfer", cancelled: threading.Event | None) -> str:
    task = asyncio.create_task(transfer.run())
    while not task.done():
        await asyncio.wait({task}, timeout=_POLL_S)
        if cancelled is not None and cancelled.is_set() and not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise Cancelled("The download was stopped; the next one goes on from there.")
    return task.result()


class _Transfer:
    def __init__(
        self, urls: Sequence[str], part: Path, notes: Path, size: int | None, progress: Progress
    ) -> None:
        self._urls = urls
        self._part = part
        self._notes = notes
        self._size = size
        self._progress = progress

    async def run(self) -> str:
        import aiohttp

        if self._size is not None and self._there() == self._size:
            return str(read_json(self._notes).get("url", self._urls[0]))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_STALL_S)
        # Weights are not text: a compressed transfer would break ranges and save nothing.
        headers = {"User-Agent": f"matted/{__version__}", "Accept-Encoding": "identity"}
        refused: list[MattedError] = []
        async with aiohttp.ClientSession(timeout=timeout, headers=headers, trust_env=True) as session:
            for url in self._urls:
                try:
                    await self._from(session, url)
                except _RefusedError as refusal:
                    refused.append(refusal.error)
                except OSError as error:
                    raise failed_to_write(error, self._part.parent) from error
                else:
                    return url
        # A host that answered knows more than one that could not be reached.
        raise next((error for error in refused if not isinstance(error, NoNetwork)), refused[0])

    def _there(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    async def _from(self, session: "ClientSession", url: str) -> None:
        import aiohttp

        failures = 0
        while True:
            before = self._there()
            try:
                if await self._attempt(session, url):
                    return
                reason = "the connection was cut"
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or "no answer in time"
            failures = 0 if self._there() > before else failures + 1
            if failures >= _ATTEMPTS or (failures and not await self._resolves(url)):
                raise _RefusedError(_unreachable(url, reason))
            if failures:
                await asyncio.sleep(_PAUSE_S * 2 ** (failures - 1))

    async def _resolves(self, url: str) -> bool:
        # Without a network no name can be found: say so at once instead of after all attempts.
        parts = urlsplit(url)
        try:
            await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443)
        except OSError:
            return False
        return True

    async def _attempt(self, session: "ClientSession", url: str) -> bool:
        have = self._there()
        if self._size is not None and have > self._size:
            have = 0
        headers = {}
        if have:
            headers["Range"] = f"bytes={have}-"
            notes = read_json(self._notes)
            if notes.get("url") == url and notes.get("validator"):
                headers["If-Range"] = notes["validator"]
        async with session.get(url, headers=headers) as response:
            if response.status == 416 and have:
                if response.headers.get("Content-Range") == f"bytes */{have}":
                    return True  # all of it was there already
                self._part.unlink()
                return False
            _refuse(response, url)
            start, total = _extent(response)
            if start not in (0, have) or (response.status == 200 and start):
                raise _RefusedError(ModelError(f"{_host(url)} sent another part than it was asked for."))
            if self._size is not None and total is not None and total != self._size:
                raise _RefusedError(_other_size(url, total, self._size))
            expected = total if total is not None else self._size
            self._check_room(expected, start)
            write_json(self._notes, {"url": url, "validator": _validator(response)})
            with self._part.open("r+b" if start else "wb") as file:
                if start:
                    file.truncate(start)
                    file.seek(start)
                await self._receive(response, file, start, expected)
        return self._complete(url, expected)

    async def _receive(
        self, response: "ClientResponse", file: IO[bytes], start: int, expected: int | None
    ) -> None:
        done = start
        self._progress(done, expected or 0)
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if expected is not None and done > expected:
                return
            self._progress(done, expected or 0)

    def _complete(self, url: str, expected: int | None) -> bool:
        have = self._there()
        if expected is not None and have > expected:
            self._part.unlink()
            raise _RefusedError(_other_size(url, have, expected))
        return expected is None or have == expected

    def _check_room(self, expected: int | None, start: int) -> None:
        needed = (expected or 0) - start
        free = shutil.disk_usage(self._part.parent).free
        if needed > free:
            raise OutputFailed(
                f"{self._part.parent} has {free / 1e6:.0f} MB left and {needed / 1e6:.0f} MB are needed: "
                "make room, or choose another folder with the setting models_dir."
            )


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _validator(response: "ClientResponse") -> str | None:
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):  # a weak one (W/) says nothing about bytes
        return str(etag)
    return response.headers.get("Last-Modified")


def _extent(response: "ClientResponse") -> tuple[int, int | None]:
    """Where the body starts in the file, and the file's whole size if the host says."""
    if response.status == 206:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if match:
            return int(match[1]), None if match[2] == "*" else int(match[2])
        return -1, None
    return 0, response.content_length


def _refuse(response: "ClientResponse", url: str) -> None:
    status, host = response.status, _host(url)
    if status in (200, 206):
        return
    if status in (401, 403):
        raise _RefusedError(
            ModelError(
                f"{host} does not give these weights to everyone: accept their terms there, download the "
                "file in your browser, then `matted models import` it."
            )
        )
    if status in (404, 410):
        raise _RefusedError(
            ModelError(
                f"{host} no longer has these weights at {url}: if you have the file, `matted models import` "
                "it, or give its new address in a catalogue of your own."
            )
        )
    if status == 429 or status >= 500:
        response.raise_for_status()  # may pass: the attempts go on
    raise _RefusedError(ModelError(f"{host} refused the weights with the answer {status}."))


def _other_size(url: str, offered: int, expected: int) -> WeightsDamaged:
    return WeightsDamaged(
        f"{_host(url)} offers {offered} bytes where the catalogue knows {expected}: the file there is "
        "another one. Nothing was kept of it."
    )


def _unreachable(url: str, reason: str) -> NoNetwork:
    return NoNetwork(
        f"{_host(url)} cannot be reached ({reason}): check the network and run the same command again, or "
        "`matted models import` weights from a folder."
    )
