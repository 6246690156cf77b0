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
