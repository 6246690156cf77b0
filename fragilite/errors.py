"""Errors a user can meet, each with what repairs it, and the exit codes of the command line.

======  ==========================
code    meaning
======  ==========================
0       done
1       failure
2       bad usage or bad input
3       a source is unavailable
4       a check has failed
======  ==========================
"""

import errno

_REASONS = {
    errno.EACCES: "droits insuffisants",
    errno.EPERM: "droits insuffisants",
    errno.EROFS: "disque en lecture seule",
    errno.ENOSPC: "disque plein",
    errno.EDQUOT: "quota de disque dépassé",
    errno.EFBIG: "fichier trop gros pour ce disque",
    errno.ENOTDIR: "ce n'est pas un dossier",
    errno.EISDIR: "c'est un dossier",
    errno.EEXIST: "un autre fichier porte ce nom",
    errno.ENOENT: "chemin introuvable",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ELOOP: "lien qui tourne en rond",
}


def reason(error: BaseException) -> str:
    """Why the system refused, in French."""
    if isinstance(error, UnicodeError):
        return "nom illisible"
    return _REASONS.get(getattr(error, "errno", None) or 0, "refus du système")


class FragiliteError(Exception):
    """A failure told to the user in one French line.

    Parameters
    ----------
    message : str
        What failed, where, what was expected and what was found, in French.
    remedy : str, optional
        The command or the gesture that repairs it, in French.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}".strip())


class UsageError(FragiliteError):
    """The command, a code, a name or a method file is not what was expected."""

    exit_code = 2


class SourceUnavailableError(FragiliteError):
    """The figures asked for are neither bundled, nor in ``data/raw``, nor reachable."""

    exit_code = 3


class CheckFailedError(FragiliteError):
    """A check that the user asked for does not pass."""

    exit_code = 4
