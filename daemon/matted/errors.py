"""Everything that can go wrong, as one small hierarchy.

Each error holds one sentence a photographer understands and what to do next; the daemon turns it into
`application/problem+json` with `status` and `slug`, the command into `exit_code`. Imports nothing.
"""


class MattedError(Exception):
    """Base of all expected failures. `str(error)` is the sentence shown to the person."""

    status = 500  # HTTP status the daemon answers with
    slug = "failed"  # stable name for programs; the last part of the problem type
    exit_code = 1  # what the command line returns


class BadOption(MattedError):
    """An option's value is not one that exists or lies outside its range."""

    status, slug, exit_code = 400, "bad-option", 2


class BadRecipe(BadOption):
    """A folder's recipe cannot be followed; the sentence tells file, line and reason."""

    slug = "bad-recipe"


class PictureError(MattedError):
    """The picture could not be used."""

    status, slug, exit_code = 422, "bad-picture", 3


class UnreadablePicture(PictureError):
    """Broken, truncated or not what its name says."""

    slug = "unreadable-picture"


class UnsupportedPicture(PictureError):
    """A kind of file this installation cannot read."""

    status, slug = 415, "unsupported-picture"


class PictureTooLarge(PictureError):
    """More pixels or bytes than the limit, found before anything was decoded."""

    status, slug = 413, "picture-too-large"


class NotItsMask(PictureError):
    """A mask that was painted on, and the one it is compared with is not the one that was painted on."""

    slug = "not-its-mask"


class UnknownPicture(MattedError):
    """The daemon no longer holds, or never held, the picture that was named."""

    status, slug, exit_code = 404, "unknown-picture", 3


class ModelError(MattedError):
    """The model could not be used."""

    status, slug, exit_code = 409, "model-unusable", 4


class UnknownModel(ModelError):
    """No model of that name in the catalogue."""

    status, slug = 404, "unknown-model"


class ModelNotInstalled(ModelError):
    """In the catalogue, but its weights are not on this computer."""

    slug = "model-not-installed"


class LicenceNotAccepted(ModelError):
    """Non-commercial weights need an explicit accept."""

    status, slug = 403, "licence-not-accepted"


class WeightsDamaged(ModelError):
    """Size or checksum of a weight file differs from the catalogue's."""

    status, slug = 502, "weights-damaged"


class NoNetwork(ModelError):
    """The weights' host could not be reached."""

    status, slug = 503, "no-network"


class ProviderFailed(ModelError):
    """No execution provider could run the model."""

    status, slug = 503, "provider-failed"


class OutOfMemory(MattedError):
    """The job does not fit in the memory allowed for it."""

    status, slug, exit_code = 507, "out-of-memory", 5


class Busy(MattedError):
    """The queue is full."""

    status, slug, exit_code = 503, "busy", 5


class TimedOut(MattedError):
    """The job ran longer than its limit and was stopped."""

    status, slug, exit_code = 504, "timed-out", 5


class Cancelled(MattedError):
    """The client went away or asked to stop."""

    status, slug, exit_code = 499, "cancelled", 130


class OutputExists(MattedError):
    """The output is there already, or is the original itself, and would be overwritten."""

    status, slug, exit_code = 409, "output-exists", 6


class OutputFailed(MattedError):
    """The result could not be written (full disk, read-only folder)."""

    status, slug, exit_code = 507, "output-failed", 6


class DaemonUnavailable(MattedError):
    """The daemon is not running and could not be started, or did not prove its identity."""

    status, slug, exit_code = 503, "daemon-unavailable", 7


def by_slug(slug: str, sentence: str) -> MattedError:
    """The error a program named, e.g. one that came over the wire; a plain MattedError if it is not known."""
    classes: list[type[MattedError]] = [MattedError]
    for known in classes:
        if known.slug == slug:
            return known(sentence)
        classes.extend(known.__subclasses__())
    return MattedError(sentence)
