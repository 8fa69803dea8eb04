"""The engine as a plug-in uses it: asked in a thread, while GIMP is told how far it is.

Imports GIMP for its progress and the client. Knows no layers and no dialog. GIMP's Cancel ends the plug-in's
process at once; its connections close with it, and by that the daemon knows that nobody waits any more.
"""

import contextlib
import math
import queue
import re
import threading
import uuid

from gi.repository import Gimp

from matted_client import LAUNCH_FILE, Client, ClientError, Unavailable, state_dir

_STAGES = {
    "waiting": "waiting for the engine",
    "decode": "sending the layer",
    "proxy": "looking at the layer",
    "model": "finding the subject",
    "edges": "solving the edges",
    "brush": "following what was painted",
    "adjust": "adjusting the mask",
    "encode": "cleaning the colours",
}
POINTED = ("prompt-not-found", "prompt-not-told-apart")  # warnings about what was pointed at


class Engine:
    """A connection to the daemon, which is started if it has to be, while the caller goes on."""

    def __init__(self, *, start=True):
        self._client = None
        self._trouble = None
        self._connecting = threading.Thread(target=self._connect, args=(start,), daemon=True)
        self._connecting.start()

    def client(self):
        """The connection, waited for. Raises ClientError."""
        self._connecting.join()
        if self._trouble is not None:
            raise self._trouble
        return self._client

    def ask(self, call):
        """What `call(client, job)` returns; meanwhile GIMP's progress shows the stages of that job.

        Raises what `call` raises; ClientError, if the daemon cannot be had.
        """
        told = queue.SimpleQueue()
        outcome = []

        def work():
            try:
                client, job = self.client(), uuid.uuid4().hex
                threading.Thread(target=_listen, args=(client, job, told), daemon=True).start()
                outcome.append((call(client, job), None))
            except Exception as error:
                outcome.append((None, error))
            told.put(None)

        Gimp.progress_init("Matted: starting the engine" if self._connecting.is_alive() else "Matted")
        threading.Thread(target=work, daemon=True).start()
        while True:
            try:
                event = told.get(timeout=0.2)
            except queue.Empty:
                Gimp.progress_pulse()  # also ends this process if GIMP is not there any more
                continue
            if event is None:
                break
            stage = event.get("stage") or event.get("state", "")
            Gimp.progress_set_text("Matted: " + _STAGES.get(stage, stage))
            Gimp.progress_update(float(event.get("fraction", 0)))
        Gimp.progress_end()
        result, error = outcome[0]
        if error is not None:
            raise error
        return result

    def _connect(self, start):
        try:
            self._client = Client.connect(start=start)
        except ClientError as error:
            self._trouble = error


class Previews:
    """Small masks of one picture, asked for in a thread of its own; a later wish stops an earlier one.

    `planes` and `limit`, the latter None without one, are uploaded once, and looked at with `options` before
    anybody asks; from then on `held` has them as the engine does, and is empty before. `told(number, answer,
    error)` is called in that thread: with 0 and nothing after that look, then with each answer to the wishes
    of that number, or with the ClientError that ended them.
    """

    def __init__(self, engine, planes, limit, options, told):
        self._engine, self._planes, self._limit, self._told = engine, planes, limit, told
        self._options = options
        self._changed = threading.Condition()
        self._number, self._wishes, self._job, self._open = 0, [], None, True
        self._client, self.held = None, ()
        threading.Thread(target=self._work, daemon=True).start()

    def ask(self, wishes):
        """Asks for masks by their options, one after the other: (options, whether `limit` counts) each.

        Returns the number of these wishes.
        """
        with self._changed:
            self._number += 1
            self._wishes = wishes
            self._stop()
            return self._number

    def close(self):
        """Asks for nothing any more."""
        with self._changed:
            self._open = False
            self._stop()

    def _stop(self):
        self._changed.notify()
        if self._job is not None:
            threading.Thread(target=_cancel, args=(self._client, self._job), daemon=True).start()
            self._job = None

    def _work(self):
        while self._open:
            with self._changed:
                number, wishes, self._wishes = self._number, self._wishes, None
            try:
                if not self.held:
                    self._look()
                    self._told(0, None, None)
                for options, limited in wishes:
                    self._mask(number, options, limited=limited)
            except ClientError as error:
                if error.slug != "cancelled":
                    self._told(number, None, error)
            except Exception as error:
                self._told(number, None, ClientError(f"Matted failed, which is a mistake in it: {error!r}."))
            with self._changed:
                self._changed.wait_for(lambda: self._wishes is not None or not self._open)

    def _look(self):
        """Sends the picture, and has the model that clicks are answered by see it once."""
        self._engine.client()
        self._client = Client.connect()  # the engine's own connection stays free for its thread
        picture = self._client.upload(self._planes)
        limit = self._limit and self._client.upload(self._limit)
        options = dict(self._options)
        if any(model["kind"] == "prompt" and model["installed"] for model in self._client.models()):
            options["prompt"] = {"points": [[picture.width / 2, picture.height / 2, 1]]}
        self._client.mask(picture, options)
        self.held = (picture, limit)

    def _mask(self, number, options, *, limited):
        with self._changed:
            if not self._open or number != self._number:
                return
            job = self._job = uuid.uuid4().hex
        picture, limit = self.held
        answer = self._client.mask(picture, options, limit=limit if limited else None, job=job)
        with self._changed:
            self._job = None
        self._told(number, answer, None)


def sentence_of(error):
    """What to tell the person about a ClientError."""
    if error.slug == "not-found" or (error.slug == "bad-option" and "There is no option" in str(error)):
        return (
            "The Matted engine that is running is older than this plug-in. Update Matted, then stop the old "
            "engine in Filters > Matted > Matted Status."
        )
    failed = isinstance(error, Unavailable) and "could not be started" in str(error)
    if failed and not (state_dir() / LAUNCH_FILE).exists():
        return (
            "The Matted engine could not be started, because GIMP does not know where Matted is installed. "
            "Install it, run `matted plugins install gimp`, and restart GIMP."
        )
    return str(error)


def mask_options(config):
    """What the daemon is to be asked for, from a procedure's arguments."""
    wish = config.get_property("model").strip() or "auto"
    subject = config.get_property("subject")
    if wish == "auto" and subject != "any":
        wish = f"auto:{subject}"
    return {"coarse": {"model": wish}, "refine": {"level": config.get_property("edges")}}


def adjustments(config):
    """The options for the matte itself, from the arguments of Remove Background."""
    adjust = {"grow_px": config.get_property("grow"), "feather_px": config.get_property("feather")}
    keep = numbers(config.get_property("keep"))
    return {**adjust, "keep": keep}


def numbers(text):
    """ "all", "largest", or the numbers in a text such as "1, 3". Raises ClientError."""
    text = text.strip() or "all"
    if text in ("all", "largest"):
        return text
    with contextlib.suppress(ValueError):
        return [int(number) for number in text.split(",")]
    raise ClientError(f"Subjects are “all”, “largest” or numbers such as “1, 3”, not “{text}”.")


def marks(text):
    """The points in a text such as "120,80 300,40,0": [x, y, 1 or 0] each. Raises ClientError."""
    found = []
    for word in re.sub(r"\s*,\s*", ",", text or "").replace(";", " ").split():
        point = _floats(word)
        if len(point) == 2:
            point.append(1)
        if len(point) != 3 or point[2] not in (0, 1):
            raise ClientError(f"Points are such as “120,80” or “120,80,0”, not “{word}”.")
        found.append([*point[:2], int(point[2])])
    return found


def corners(text):
    """The box in a text such as "10,20,300,400", None for an empty one. Raises ClientError."""
    if not (text or "").strip():  # GIMP gives None for an empty text
        return None
    box = _floats(text)
    if len(box) != 4:
        raise ClientError(f"A box is left, top, right, bottom such as “10,20,300,400”, not “{text}”.")
    return box


def in_gimp(sentence):
    """A sentence of the engine, with GIMP's own way to what it names a command for."""
    return re.sub(r"`matted models pull [^`]+` fetches", "Matted Status downloads", sentence)


def nothing_in(mask, *, limited):
    """Why the mask of what was pointed at holds nothing, as a sentence; "" if it holds something."""
    size = 2 if mask.format == "gray16" else 1
    if bytes(mask.data[size - 1 :: size]).translate(None, bytes(range(128))):
        return ""
    for warning in mask.warnings:
        if warning["code"] == "prompt-not-found":
            return in_gimp(warning["sentence"])
    return f"Nothing of what was pointed at is left{' within the selection' if limited else ''}."


def _floats(text):
    with contextlib.suppress(ValueError):
        found = [float(number) for number in text.split(",")]
        return found if all(map(math.isfinite, found)) else []
    return []


def _cancel(client, job):
    with contextlib.suppress(ClientError):
        client.cancel(job)


def _listen(client, job, told):
    with contextlib.suppress(ClientError):
        for event in client.events(job):
            told.put(event)
