"""Who may see the page: a ticket asked for with the token, used once, becomes the cookie of one browser.

Pure bookkeeping with a clock; knows no HTTP and no folders. Browsers send a cookie to every port of a host,
so each session has a path that nobody else knows, and its cookie is for that path alone.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from matted.errors import MattedError

TICKET_S = 60.0
SESSION_S = 12 * 3600.0  # a page that nobody had open for so long is closed
_MOST_TICKETS = 16
_MOST_SESSIONS = 16
_AGAIN = "Run `matted open` again."


class PageClosed(MattedError):
    """The browser has no session, or one that is over."""

    slug, status = "page-closed", 403


class TicketUsed(PageClosed):
    """The ticket is not one, was used, or is too old."""

    slug = "ticket-used"


class PageForged(MattedError):
    """A change was asked for by something else than the page itself."""

    slug, status = "page-forged", 403


@dataclass(slots=True)
class Session:
    """One browser's right to the page. `view`: its path; `cookie` and `key` are secrets of 256 bits.

    `key`: goes back and forth in the page alone, so that no other page can ask for changes.
    """

    view: str
    cookie: str
    key: str
    used: float


class Doors:
    """Tickets and sessions. `clock`: seconds that only grow. Used on the event loop's thread alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: OrderedDict[bytes, float] = OrderedDict()
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def ticket(self) -> str:
        """A new ticket; it opens the page once, within `TICKET_S`."""
        ticket = secrets.token_urlsafe(32)
        self._tickets[_digest(ticket)] = self._clock() + TICKET_S
        while len(self._tickets) > _MOST_TICKETS:
            self._tickets.popitem(last=False)
        return ticket

    def redeem(self, ticket: str) -> Session:
        """The session that a ticket is good for. Raises TicketUsed."""
        until = self._tickets.pop(_digest(ticket), None)
        if until is None or self._clock() > until:
            raise TicketUsed(f"This link was used already, or is older than a minute. {_AGAIN}")
        session = Session(
            secrets.token_hex(8), secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._clock()
        )
        self._sessions[session.view] = session
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def session(self, view: str, cookie: str) -> Session:
        """The session at a path, for the browser with its cookie. Raises PageClosed."""
        session = self._sessions.get(view)
        if session is not None and self._clock() - session.used > SESSION_S:
            del self._sessions[view]
            session = None
        if session is None or not _same(cookie, session.cookie):
            raise PageClosed(f"This page is not open in this browser, or not any more. {_AGAIN}")
        session.used = self._clock()
        self._sessions.move_to_end(view)
        return session

    def check_key(self, session: Session, key: str) -> None:
        """Raises PageForged unless `key` is the one that the page was given."""
        if not _same(key, session.key):
            raise PageForged(f"This was not asked by the page itself, so nothing was done. {_AGAIN}")


def _digest(ticket: str) -> bytes:
    return sha256(ticket.encode("utf-8", "surrogateescape")).digest()


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())
