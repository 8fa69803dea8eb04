"""Talks to the Matted daemon of this computer, and starts it when it is not running.

Standard library only and syntax of Python 3.8, because this one file is copied into the plugins of GIMP
and Krita. It imports nothing of the rest of Matted; the daemon imports the places (`runtime_dir`) and the
identity proof from here, so that both sides agree.

    with Client.connect() as matted:
        picture = matted.upload(Planes(pixels, width, height, "rgba8"))
        mask = matted.mask(picture, {"coarse": {"model": "auto"}})     # mask.data: width * height bytes

One `Client` serves one thread; `cancel` and `events` open connections of their own and may be called
from any thread.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import os
import select
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Buffer = bytes | bytearray | memoryview
    Options = dict[str, Any]


WIRE = "v1"
HOST = "127.0.0.1"
RUNTIME_FILE = "daemon.json"
LAUNCH_FILE = "launch.json"
LOG_FILE = "daemon.log"
_CONNECT_S = 10.0  # for the proof of identity; anything longer is no daemon of ours
_LOG_LIMIT = 1 << 20


class ClientError(Exception):
    """Something went wrong; `str(error)` is the sentence to show. `slug` is its stable name."""

    def __init__(self, sentence: str, *, slug: str = "failed", status: int = 0) -> None:
        super().__init__(sentence)
        self.slug = slug
        self.status = status


class Unavailable(ClientError):
    """The daemon is not running, could not be started, went away, or did not prove its identity."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, slug="daemon-unavailable", status=503)


class Stranger(Unavailable):
    """What answers in the daemon's place does not know the token in the runtime file."""


class Runtime(NamedTuple):
    """What a running daemon tells its user's other programs, through a file only that user can read."""

    port: int
    token: str
    pid: int
    version: str


class Planes(NamedTuple):
    """Pixels as an editor holds them: rows from the top, no padding, little-endian, straight alpha.

    `format` is one of the daemon's plane formats, e.g. "rgb8", "rgba8", "bgra8", "rgb16", "rgbaf32".
    `data` is one buffer or several that follow one another. `profile`: the ICC profile's bytes;
    `linear`: linear light, for pixels without a profile.
    """

    data: Buffer | Sequence[Buffer]
    width: int
    height: int
    format: str
    profile: bytes | None = None
    linear: bool = False


class Encoded(NamedTuple):
    """A picture file: its bytes, or the path it is streamed from."""

    data: Buffer | str | Path


class Uploaded(NamedTuple):
    """A picture the daemon holds under a name made from its content."""

    id: str
    width: int
    height: int
    source: Planes | Encoded


class Answer(NamedTuple):
    """A mask or a cut-out, and how it was made.

    A mask: `data` holds width * height values, 0..255 (`format` "gray8", 1 byte each) or 0..65535
    ("gray16", 2 bytes, little-endian). A cut-out: `data` is a file of the media type in `format`;
    `width` and `height` are the file's. Clean colours: `data` holds pixels of the plane format in `format`.
    `warnings`: {"code", "sentence"} each; `times_s`: stage name to seconds. `confidence`: the probability,
    0 to 1, that the model's answer is a good one; None if the daemon does not say.
    """

    data: bytearray
    width: int
    height: int
    format: str
    model: str
    provider: str
    warnings: list[dict[str, str]]
    times_s: dict[str, float]
    job: str
    confidence: float | None = None


class Subject(NamedTuple):
    """One subject of a picture, by the number that the option `keep` of `adjust` takes; 1 is the largest.

    `box`: left, top, right, bottom in pixels, right and bottom excluded. `at`: a point (x, y) well inside.
    `area_px`, `share`: its size in pixels, and of the picture. `confidence`: how sure its alpha is, 0 to 1.
    """

    number: int
    box: list[int]
    at: list[float]
    area_px: float
    share: float
    confidence: float


# ---------------------------------------------------------------------------------------------- places


def runtime_dir() -> Path:
    """The folder of the runtime file and the lock; `MATTED_RUNTIME` names another."""
    override = os.environ.get("MATTED_RUNTIME")
    if override:
        return Path(override)
    if sys.platform not in ("win32", "darwin"):
        session = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        if session.is_dir() and os.access(str(session), os.W_OK):
            return session / "matted"
    return state_dir()


def state_dir() -> Path:
    """The user's folder for the daemon's log and the command that starts it."""
    override = os.environ.get("MATTED_RUNTIME")
    if override:
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "matted"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "matted"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "matted"


def read_runtime(folder: Path | None = None) -> Runtime:
    """The running daemon's port and token.

    Raises Unavailable when there is no file, when it is damaged, or when other users could have read or
    written it (then the token is no secret).
    """
    path = (runtime_dir() if folder is None else folder) / RUNTIME_FILE
    found = json_object(_private_text(path), path)
    try:
        runtime = Runtime(
            int(found["port"]), str(found["token"]), int(found["pid"]), str(found.get("version", ""))
        )
    except (KeyError, TypeError, ValueError):
        raise Unavailable(f"{path} is damaged: delete it and start Matted again.") from None
    if not 0 < runtime.port < 65536 or not runtime.token:
        raise Unavailable(f"{path} is damaged: delete it and start Matted again.")
    return runtime


def json_object(text: str, path: Path) -> dict[str, Any]:
    """The object in a small file of the daemon's; Unavailable when it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unavailable(f"{path} is damaged: delete it and start Matted again.")
    return found


def _private_text(path: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(str(path), flags)
    except FileNotFoundError:
        raise Unavailable("Matted is not running. Start it with `matted serve`.") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as file:
        if os.name == "posix":
            facts = os.fstat(file.fileno())
            mine = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid()
            if not mine or facts.st_mode & 0o077:
                raise Unavailable(
                    f"{path} is open to other users of this computer, so it is not trusted. "
                    "Delete it and start Matted again."
                )
        return file.read(1 << 16).decode("utf-8", "replace")


def identity_proof(token: str, nonce: str, port: int) -> str:
    """What only the process that wrote the runtime file can answer to `nonce` on `port`.

    HMAC-SHA256 keyed with the token. The port is part of it so that a stranger on a stale port cannot
    pass the question on to the real daemon and hand back its answer.
    """
    message = f"matted identity {port} {nonce}"
    return hmac.new(token.encode(), message.encode(), "sha256").hexdigest()


# --------------------------------------------------------------------------------------------- starting


def launch_commands() -> list[list[str]]:
    """The commands that start the daemon, best first: those recorded at installation, else this Python."""
    path = state_dir() / LAUNCH_FILE
    own = [[sys.executable, "-m", "matted", "serve"]]
    if not path.exists():
        return own
    commands = json_object(_private_text(path), path).get("commands")
    kept = []
    for command in commands if isinstance(commands, list) else []:
        if isinstance(command, list) and command and all(isinstance(part, str) for part in command):
            kept.append(command)
    return kept or own


def clean_environment() -> dict[str, str]:
    """This process's environment without what a host program set for its own libraries.

    GIMP, Krita and AppImages point Python, the loader, GObject, GEGL and Qt at their own files; the
    daemon's Python must not see them.
    """
    exact = {"LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "GI_TYPELIB_PATH", "APPDIR", "APPIMAGE"}
    prefixes = ("PYTHON", "GEGL", "BABL", "GIMP", "GTK_", "GDK_", "GIO_", "GST_", "QT_", "QML", "KRITA")
    return {
        name: value
        for name, value in os.environ.items()
        if name not in exact and not name.startswith(prefixes)
    }


def launch(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start `command` detached from this process, its output appended to the daemon's log."""
    folder = state_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = _open_log(folder / LOG_FILE)
    except OSError as error:
        raise Unavailable(f"Matted cannot write its log in {folder}: {error.strerror}.") from None
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = 0x00000008 | 0x00000200  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
        detached = {"creationflags": flags}
    with log:
        try:
            return subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=str(folder),
                close_fds=True,
                **detached,
            )
        except OSError as error:
            raise Unavailable(
                f"Matted could not be started with `{command[0]}`: {error.strerror}. "
                "Run `matted service install` again."
            ) from None


def _open_log(path: Path) -> Any:
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(str(path) + ".1")
    return path.open("ab")


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


# ------------------------------------------------------------------------------------------- the client


class Client:
    """A proven connection to the daemon. Use `Client.connect()`."""

    def __init__(
        self, connection: http.client.HTTPConnection, runtime: Runtime, *, start: bool, timeout_s: float
    ) -> None:
        self._connection: http.client.HTTPConnection | None = connection
        self.runtime = runtime
        self._start = start
        self._timeout_s = timeout_s

    @classmethod
    def connect(cls, *, start: bool = True, wait_s: float = 30.0, timeout_s: float = 660.0) -> Client:
        """Connect to the running daemon, or start it and wait until it answers.

        A daemon that went away between two requests is found or started again, once.
        `wait_s`: how long a starting daemon may take; `timeout_s`: how long any one answer may take.
        Raises Unavailable.
        """
        connection, runtime = _reach(start=start, wait_s=wait_s, timeout_s=timeout_s)
        return cls(connection, runtime, start=start, timeout_s=timeout_s)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connection; the daemon stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # -- pictures

    def upload(self, source: Planes | Encoded, *, job: str | None = None) -> Uploaded:
        """Give the daemon a picture to ask masks of, any number of times."""
        headers, parts = _body_of(source)
        found = self._json("POST", "/pictures", _with_job(headers, job), parts)
        return Uploaded(str(found["id"]), int(found["width"]), int(found["height"]), source)

    def forget(self, picture: Uploaded) -> None:
        """The picture is not needed any more."""
        self._json("DELETE", "/pictures/" + picture.id)

    def mask(
        self,
        source: Planes | Encoded | Uploaded,
        options: Options | None = None,
        *,
        limit: Planes | Encoded | Uploaded | None = None,
        job: str | None = None,
    ) -> Answer:
        """The mask of a picture, as raw values.

        `options`: {"coarse": {...}, "refine": {...}, "adjust": {...}, "side_px": 1024} as the daemon's
        OpenAPI file describes. "prompt": {"box": [left, top, right, bottom], "points": [[x, y, 1],
        [x, y, 0]]} says, in pixels of the picture, what is wanted (1) and what is not (0); either may be left
        out. All else gets 0, and a warning "prompt-not-found" tells that, or where, nothing was found.
        `limit`: a gray picture of the same size that the mask may not exceed, such as a selection. `job`: a
        name of the caller's choice for `events` and `cancel`.
        """
        return self._cut("/mask", source, options, job, limit=limit)

    def cutout(
        self,
        source: Planes | Encoded | Uploaded,
        options: Options | None = None,
        *,
        limit: Planes | Encoded | Uploaded | None = None,
        job: str | None = None,
    ) -> Answer:
        """The picture without its background, as a file (PNG unless `options` say otherwise).

        `options`: {"coarse", "refine", "prompt", "adjust", "delivery"}; the last says background, shadow,
        preset and format. `limit`: as of `mask`.
        """
        return self._cut("/cutout", source, options, job, limit=limit)

    def refine(
        self,
        source: Planes | Encoded | Uploaded,
        painted: Planes | Encoded | Uploaded,
        options: Options | None = None,
        *,
        made: Planes | Encoded | Uploaded | None = None,
        guide: Planes | Encoded | Uploaded | None = None,
        limit: Planes | Encoded | Uploaded | None = None,
        job: str | None = None,
    ) -> Answer:
        """The mask of a picture as a person's strokes correct it, as raw values.

        `painted`: the mask as the person left it; `made`: as it was before, in a further round the answer of
        the one before; what `options` give (as of `mask`) if it is not sent. `guide`: not 0 where the mask is
        to be found again. All are gray and of the picture's size. `limit`: as of `mask`; it bounds what
        spreads.
        """
        if not isinstance(source, Uploaded):
            source = self.upload(source)
        planes = {"painted": painted, "made": made, "guide": guide}
        return _answer(self._ask("/refine", source, options, job, limit=limit, **planes))

    def disagreement(
        self,
        source: Planes | Encoded | Uploaded,
        models: Sequence[str],
        options: Options | None = None,
        *,
        job: str | None = None,
    ) -> Answer:
        """Where two models' mattes of a picture differ, as raw values: 0 where they agree.

        `models`: two ids, or `auto` and the like. `options`: "refine" and "prompt", as of `mask`. `model` of
        the answer names both.
        """
        return self._cut("/disagreement", source, {**(options or {}), "models": list(models)}, job)

    def subjects(
        self, source: Planes | Encoded | Uploaded, options: Options | None = None, *, job: str | None = None
    ) -> list[Subject]:
        """The subjects of a picture, largest first.

        `options`: "coarse", "refine" and "prompt", as of `mask`.
        """
        found = _json_answer(self._ask("/subjects", source, options, job))["subjects"]
        return [Subject(**{name: one[name] for name in Subject._fields}) for one in found]

    def foreground(
        self,
        source: Planes | Encoded | Uploaded,
        options: Options | None = None,
        *,
        limit: Planes | Encoded | Uploaded | None = None,
        job: str | None = None,
    ) -> Answer:
        """The picture's colours without alpha, freed of the old background where the matte is soft.

        `data` holds raw values as `format` says ("rgb8", "gray16", "rgbf32"...), R first, little-endian.
        `options`: {"coarse", "refine", "prompt", "adjust"} and `limit` as for `mask`; {"foreground":
        {"alpha": "own"}} takes the alpha the picture was sent with, for a mask the person has painted: no
        model runs then.
        """
        return self._cut("/foreground", source, options, job, limit=limit)

    # -- models and the daemon itself

    def models(self) -> list[dict[str, Any]]:
        """Every model of the catalogue, with whether it is installed and loaded."""
        return list(self._json("GET", "/models")["models"])

    def pull(self, model: str, *, accept_licence: bool = False) -> Iterator[dict[str, Any]]:
        """Download a model's weights. Yields {"done", "total"} in bytes until it is installed."""
        body = json.dumps({"accept_licence": accept_licence}).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        return self._stream("POST", f"/models/{model}/pull", headers, [memoryview(body)])

    def unload(self, model: str) -> None:
        """Give the model's memory back now."""
        self._json("POST", f"/models/{model}/unload")

    def remove(self, model: str) -> None:
        """Delete the model's weights from this computer."""
        self._json("DELETE", "/models/" + model)

    def status(self) -> dict[str, Any]:
        """What the daemon is, holds and does."""
        return self._json("GET", "/status")

    def health(self) -> dict[str, Any]:
        """Whether the daemon answers, and whether its engine is ready."""
        return self._json("GET", "/health")

    def page_link(self) -> str:
        """A link that opens the daemon's page of the watched folders in a browser: once, within a minute."""
        return f"http://{HOST}:{self.runtime.port}{self._json('POST', '/tickets')['path']}"

    def shutdown(self) -> None:
        """End the daemon."""
        self._json("POST", "/shutdown")
        self.close()

    # -- jobs; safe from any thread

    def events(self, job: str) -> Iterator[dict[str, Any]]:
        """The progress of a job: {"state", "stage", "fraction"} until it ended. May be asked beforehand."""
        return self._stream("GET", f"/jobs/{job}/events", {}, [])

    def cancel(self, job: str) -> None:
        """Stop a job; the call that waits for it raises ClientError with the slug "cancelled"."""
        connection, _ = _prove(self.runtime, self._timeout_s)
        with closing(connection):
            try:
                _json_answer(_exchange(connection, self.runtime, "DELETE", "/jobs/" + job, {}, []))
            except _WentAway:
                raise _gone() from None

    # -- inside

    def _cut(
        self,
        what: str,
        source: Planes | Encoded | Uploaded,
        options: Options | None,
        job: str | None,
        *,
        limit: Planes | Encoded | Uploaded | None = None,
    ) -> Answer:
        return _answer(self._ask(what, source, options, job, limit=limit))

    def _ask(
        self,
        what: str,
        source: Planes | Encoded | Uploaded,
        options: Options | None,
        job: str | None,
        **planes: Planes | Encoded | Uploaded | None,
    ) -> http.client.HTTPResponse:
        try:
            return self._ask_once(what, source, options, job, planes)
        except ClientError as error:
            if error.slug != "unknown-picture" or not (isinstance(source, Uploaded) or any(planes.values())):
                raise
        if isinstance(source, Uploaded):  # the daemon was restarted or needed the memory
            source = self.upload(source.source)
        for name, plane in planes.items():
            if isinstance(plane, Uploaded):
                planes[name] = self.upload(plane.source)
        return self._ask_once(what, source, options, job, planes)

    def _ask_once(
        self,
        what: str,
        source: Planes | Encoded | Uploaded,
        options: Options | None,
        job: str | None,
        planes: dict[str, Planes | Encoded | Uploaded | None],
    ) -> http.client.HTTPResponse:
        wish = dict(options or {})
        for name, plane in planes.items():
            if plane is not None:
                wish[name] = (plane if isinstance(plane, Uploaded) else self.upload(plane)).id
        text = json.dumps(wish)
        if not isinstance(source, Uploaded):
            headers, parts = _body_of(source)
            headers["X-Matted-Options"] = text
            return self._request("POST", what, _with_job(headers, job), parts)
        body = text.encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        headers = _with_job(headers, job)
        return self._request("POST", f"/pictures/{source.id}{what}", headers, [memoryview(body)])

    def _json(
        self, method: str, path: str, headers: dict[str, str] | None = None, parts: Sequence[Any] = ()
    ) -> dict[str, Any]:
        return _json_answer(self._request(method, path, headers or {"Content-Length": "0"}, parts))

    def _request(
        self, method: str, path: str, headers: dict[str, str], parts: Sequence[Any]
    ) -> http.client.HTTPResponse:
        for _ in range(2):
            if self._connection is None or _is_stale(self._connection):
                self._reconnect()
            assert self._connection is not None
            try:
                return _exchange(self._connection, self.runtime, method, path, headers, parts)
            except _WentAway:
                self.close()
            except BaseException:
                self.close()  # half an exchange is on the wire: the connection cannot be used again
                raise
        raise _gone()

    def _reconnect(self) -> None:
        self.close()
        self._connection, self.runtime = _reach(start=self._start, wait_s=30.0, timeout_s=self._timeout_s)

    def _stream(
        self, method: str, path: str, headers: dict[str, str], parts: Sequence[Any]
    ) -> Iterator[dict[str, Any]]:
        connection, _ = _prove(self.runtime, self._timeout_s)
        with closing(connection):
            try:
                response = _exchange(connection, self.runtime, method, path, headers, parts)
                for line in response:
                    if not line.startswith(b"data:"):
                        continue
                    event = json.loads(line[5:].decode("utf-8"))
                    if event.get("state") == "failed" and method == "POST":
                        raise ClientError(str(event.get("detail")), slug=str(event.get("slug", "failed")))
                    yield event
                    if event.get("state") in ("done", "failed", "cancelled"):
                        return
            except (OSError, http.client.HTTPException, _WentAway):
                pass
            raise _gone()  # http.client ends a broken stream as if it were complete


# ------------------------------------------------------------------------------------------------ wire


class _WentAway(Exception):
    """The daemon ended before it took the request; another one may take it."""


def _ended_in_order(runtime: Runtime) -> bool:
    """Whether that daemon withdrew its runtime file, as it does before it closes connections."""
    try:
        return read_runtime() != runtime
    except Unavailable:
        return True


def _gone() -> Unavailable:
    return Unavailable(f"Matted stopped while it was working. Try again; its log may say why: {_log_path()}")


def _late() -> Unavailable:
    return Unavailable("Matted did not answer in time. Try again, or look at `matted status`.")


def _log_path() -> Path:
    return state_dir() / LOG_FILE


def _reach(*, start: bool, wait_s: float, timeout_s: float) -> tuple[http.client.HTTPConnection, Runtime]:
    try:
        return _prove(read_runtime(), timeout_s)
    except Unavailable as error:
        if not start:
            raise
        found = error
    try:
        return _begin(wait_s=wait_s, timeout_s=timeout_s)
    except Unavailable:
        if isinstance(found, Stranger):
            raise found from None  # tells what stands in the way
        raise


def _begin(*, wait_s: float, timeout_s: float) -> tuple[http.client.HTTPConnection, Runtime]:
    commands = launch_commands()
    child = launch(commands.pop(0))
    deadline = time.monotonic() + wait_s
    while True:
        ended = child.poll()
        try:
            return _prove(read_runtime(), timeout_s)
        except Unavailable as error:
            problem = error
        if ended:  # another client's daemon may have won the race: the attempt above came after
            if not commands:
                line = _last_line(_log_path())
                raise Unavailable("Matted could not be started: %s" % (line or problem))
            child = launch(commands.pop(0))
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Matted did not answer within {wait_s:.0f} s of being started; its log is {_log_path()}."
            )
        time.sleep(0.02)


def _prove(runtime: Runtime, timeout_s: float) -> tuple[http.client.HTTPConnection, Runtime]:
    """A connection whose other end has shown that it knows the token, without sending the token."""
    connection = http.client.HTTPConnection(HOST, runtime.port, timeout=_CONNECT_S, blocksize=1 << 20)
    nonce = os.urandom(32).hex()
    try:
        connection.connect()
        connection.auto_open = 0  # a new connection must prove itself again
        connection.request("GET", f"/{WIRE}/identity?nonce={nonce}")
        response = connection.getresponse()
        found = json.loads(response.read(1 << 16).decode("utf-8"))
        proof = str(found["proof"]) if response.status == 200 else ""
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        connection.close()
        raise Unavailable("Matted is not running. Start it with `matted serve`.") from None
    if not hmac.compare_digest(proof.encode(), identity_proof(runtime.token, nonce, runtime.port).encode()):
        connection.close()
        raise Stranger(
            f"Another program answers on Matted's port {runtime.port}, so nothing was sent to it. "
            "Start Matted again with `matted serve`."
        )
    assert connection.sock is not None
    connection.sock.settimeout(timeout_s)
    return connection, runtime


def _is_stale(connection: http.client.HTTPConnection) -> bool:
    """Whether the daemon closed a kept connection (an idle one has nothing to read)."""
    if connection.sock is None:
        return True
    readable, _, _ = select.select([connection.sock], [], [], 0)
    return bool(readable)


def _exchange(
    connection: http.client.HTTPConnection,
    runtime: Runtime,
    method: str,
    path: str,
    headers: dict[str, str],
    parts: Sequence[Any],
) -> http.client.HTTPResponse:
    try:
        connection.putrequest(method, f"/{WIRE}{path}", skip_accept_encoding=True)
        connection.putheader("Authorization", "Bearer " + runtime.token)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        for part in parts:
            if isinstance(part, Path):
                with part.open("rb") as file:
                    connection.send(file)
            else:
                connection.send(part)
    except (ConnectionError, http.client.HTTPException):
        response = _early_answer(connection)
    except OSError as error:
        if str(error) == "timed out":
            raise _late() from None
        raise ClientError(f"The picture cannot be read: {error}.", slug="unreadable-picture") from None
    else:
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            if str(error) == "timed out":
                raise _late() from None
            if _ended_in_order(runtime):
                raise _WentAway from None
            raise _gone() from None
    if response.status >= 400:
        raise _problem(response)
    return response


def _early_answer(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """The refusal a daemon sent while the body was still on its way."""
    try:
        return connection.getresponse()
    except (OSError, http.client.HTTPException):
        raise _WentAway from None


def _problem(response: http.client.HTTPResponse) -> ClientError:
    try:
        found = json.loads(response.read(1 << 16).decode("utf-8"))
        sentence, slug = str(found["detail"]), str(found["type"]).rpartition(":")[2]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        sentence, slug = f"Matted answered with status {response.status}.", "failed"
    return ClientError(sentence, slug=slug, status=response.status)


def _received(response: http.client.HTTPResponse) -> bytearray:
    try:
        if response.length is None:
            return bytearray(response.read())
        data = bytearray(response.length)
        view, filled = memoryview(data), 0
        while filled < len(data):
            count = response.readinto(view[filled:])
            if not count:
                raise _gone()
            filled += count
        response.read()  # lets http.client see the end, so that the connection can be used again
    except (OSError, http.client.HTTPException):
        raise _gone() from None
    return data


def _json_answer(response: http.client.HTTPResponse) -> dict[str, Any]:
    text = _received(response).decode("utf-8")
    found = json.loads(text) if text else {}
    assert isinstance(found, dict)
    return found


def _answer(response: http.client.HTTPResponse) -> Answer:
    header = response.headers
    kind = header.get("X-Matted-Format") or header.get_content_type()
    times = {}
    for entry in filter(None, (header.get("Server-Timing") or "").split(",")):
        name, _, rest = entry.strip().partition(";dur=")
        times[name] = float(rest or 0.0) / 1000.0
    trust = header.get("X-Matted-Confidence")
    return Answer(
        _received(response),
        int(header.get("X-Matted-Width") or 0),
        int(header.get("X-Matted-Height") or 0),
        kind,
        header.get("X-Matted-Model") or "",
        header.get("X-Matted-Provider") or "",
        json.loads(header.get("X-Matted-Warnings") or "[]"),
        times,
        header.get("X-Matted-Job") or "",
        float(trust) if trust else None,
    )


def _with_job(headers: dict[str, str], job: str | None) -> dict[str, str]:
    if job is not None:
        headers["X-Matted-Job"] = job
    return headers


def _body_of(source: Planes | Encoded) -> tuple[dict[str, str], list[Any]]:
    """Headers and the parts to send, without copying any pixel."""
    if isinstance(source, Encoded):
        part: Any = Path(source.data) if isinstance(source.data, (str, Path)) else _bytes_of(source.data)
        try:
            size = part.stat().st_size if isinstance(part, Path) else len(part)
        except OSError as error:
            raise ClientError(
                f"{part} cannot be read: {error.strerror}.", slug="unreadable-picture"
            ) from None
        return {"Content-Type": "image/x-unknown", "Content-Length": str(size)}, [part]
    single = isinstance(source.data, (bytes, bytearray, memoryview))
    parts = [_bytes_of(part) for part in ([source.data] if single else source.data)]
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(sum(len(part) for part in parts)),
        "X-Matted-Width": str(source.width),
        "X-Matted-Height": str(source.height),
        "X-Matted-Format": source.format,
    }
    if source.profile is not None:
        headers["X-Matted-Profile"] = base64.b64encode(source.profile).decode()
    if source.linear:
        headers["X-Matted-Linear"] = "1"
    return headers, parts


def _bytes_of(buffer: Any) -> memoryview:
    view = memoryview(buffer)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")
