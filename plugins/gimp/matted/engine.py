"""The engine as a plug-in uses it: asked in a thread, while GIMP is told how far it is.

Imports GIMP for its progress and the client. Knows no layers and no dialog. GIMP's Cancel ends the plug-in's
process at once; its connections close with it, and by that the daemon knows that nobody waits any more.
"""

import contextlib
import queue
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


def _listen(client, job, told):
    with contextlib.suppress(ClientError):
        for event in client.events(job):
            told.put(event)
