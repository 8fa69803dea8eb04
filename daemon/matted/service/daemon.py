"""The daemon's life: lock, listen, announce, serve, and end: by signal, by request, or when idle.

Listens before anything heavy is imported, so that a client that starts it waits for as little as possible.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aiohttp import web

from matted.client import HOST
from matted.config import Settings
from matted.errors import MattedError
from matted.memory import keep_memory, release_memory
from matted.service.app import make_app
from matted.service.context import SERVICE, Service
from matted.service.engine import Engine
from matted.service.guard import Identity
from matted.service.runtime import Instance, record_launch_once

if TYPE_CHECKING:
    from matted.pipeline import Pipeline

HEADER_BYTES = 2 << 20  # an ICC profile in base64 travels in a header
KEEP_CONNECTION_S = 600.0  # a client may think so long between two requests on one connection
GRACE_S = 3.0  # what is under way at the end may take this long to stop
SYSTEMD_FIRST_FD = 3
_SWEEP_S = 5.0
_REST_S = 60.0  # idle for so long, the daemon gives spare memory back
_log = logging.getLogger(__name__)


def listening_socket(port: int) -> socket.socket:
    """A socket bound to `port` of the loopback address, 0 for any free one. Raises MattedError."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)  # on Windows SO_REUSEADDR would share the port
    sock.setsockopt(socket.SOL_SOCKET, exclusive or socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        raise MattedError(f"Port {port} cannot be used: {error.strerror}. Choose another --port.") from error
    return sock


def inherited_socket() -> socket.socket | None:
    """The socket systemd listens on for us (sd_listen_fds(3)), or None.

    Raises MattedError when it is not on the loopback address: the daemon must not be reached from outside.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not os.environ.get("LISTEN_FDS", "").isdigit():
        return None
    if int(os.environ.pop("LISTEN_FDS")) < 1:
        return None
    sock = socket.socket(fileno=SYSTEMD_FIRST_FD)
    if sock.family != socket.AF_INET or not sock.getsockname()[0].startswith("127."):
        raise MattedError(
            "Matted was given a socket that is not on the loopback address; it will not serve it."
        )
    os.set_inheritable(SYSTEMD_FIRST_FD, False)
    return sock


def run(settings: Settings) -> bool:
    """Serve until told to stop; True when all work had ended by then.

    Raises AlreadyRunning, OutputFailed, MattedError.
    """
    keep_memory()
    with Instance() as instance:
        inherited = inherited_socket()
        sock = inherited or listening_socket(settings.port)
        token = instance.token(keep=inherited is not None)
        identity = Identity(token, sock.getsockname()[1])

        def announce() -> None:
            instance.announce(identity.runtime)
            record_launch_once()

        withdraw = instance.withdraw if inherited is None else instance.keep_announced
        return asyncio.run(
            serve(
                settings,
                sock,
                identity,
                announce=announce,
                withdraw=withdraw,
                findable=instance.is_announced,
            )
        )


async def serve(
    settings: Settings,
    sock: socket.socket,
    identity: Identity,
    *,
    announce: Callable[[], None],
    withdraw: Callable[[], None],
    findable: Callable[[], bool],
    make: "Callable[[Settings], Pipeline] | None" = None,
) -> bool:
    """Serve on `sock` until a signal, `POST /v1/shutdown` or idleness; True when all work had ended.

    `announce` is called when listening, `withdraw` when it takes no more; once `findable` is false no program
    can ask for anything, and it ends. `make` builds the pipeline.
    """
    engine = Engine(lambda: (make or _pipeline)(settings))
    app = make_app(settings, engine, identity)
    service = app[SERVICE]
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        auto_decompress=False,
        keepalive_timeout=KEEP_CONNECTION_S,
        max_line_size=1 << 16,
        max_field_size=HEADER_BYTES,
        shutdown_timeout=GRACE_S,
    )
    await runner.setup()
    with _signals(service.stop):
        await web.SockSite(runner, sock, backlog=128).start()
        announce()
        _log.info(
            "Matted %s listens on %s:%d, process %d", identity.version, HOST, identity.port, identity.pid
        )
        engine.start()
        keeping = asyncio.create_task(_keep_house(service, findable))
        watching = asyncio.create_task(_watch_folders(service))
        try:
            await service.stop.wait()
        finally:
            keeping.cancel()
            watching.cancel()
            withdraw()
            clean = await _end(service, runner)
    return clean


def _pipeline(settings: Settings) -> "Pipeline":
    from matted.pipeline import Pipeline

    return Pipeline(settings)


async def _watch_folders(service: Service) -> None:
    """Watch the folders of the settings, once the engine is there."""
    if not service.settings.watch:
        return
    from matted.service.watching import Watches

    try:
        pipeline = await service.engine.get()
    except MattedError:
        return  # the engine has said why
    service.watches = Watches(service.settings)
    service.watches.start(pipeline)


async def _keep_house(service: Service, findable: Callable[[], bool]) -> None:
    """Unload models that were kept long enough; end the daemon when nobody wants it any more."""
    limit = service.settings.idle_exit_s
    rested = False
    while True:
        await asyncio.sleep(min(_SWEEP_S, limit / 4) if limit else _SWEEP_S)
        pipeline, idle_s = service.engine.pipeline, service.idle_s()
        if pipeline is not None:
            await service.jobs.errand(pipeline.sessions.sweep)
        if idle_s > _REST_S and not rested:
            service.intake.pool.clear()
            await service.jobs.errand(release_memory)
        rested = idle_s > _REST_S
        if limit and idle_s > limit and not service.settings.watch:
            _log.info("nobody used Matted for %g s: it ends", limit)
            service.stop.set()
        if not service.jobs.active and not await service.jobs.errand(findable):
            _log.info("the file that tells programs where Matted is has gone: it ends")
            service.stop.set()


async def _end(service: Service, runner: web.AppRunner) -> bool:
    _log.info("Matted ends")
    service.jobs.stop_all()
    await runner.cleanup()
    stopped = await asyncio.to_thread(service.jobs.close, patience_s=GRACE_S)
    if service.watches is not None:
        stopped &= await asyncio.to_thread(service.watches.close, patience_s=GRACE_S)
    if stopped:
        service.engine.close()
    else:
        _log.warning("some work did not stop within %g s and is abandoned", GRACE_S)
    return stopped


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, as long as this lasts; only a main thread is told of signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
