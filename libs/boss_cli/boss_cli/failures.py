"""Failures as one clear sentence: what was wrong, with which field, and the way out."""

from boss_kit.errors import Aborted, BossError, Transient


class BossCommandError(Exception):
    """Stop a command; the text is shown to the operator as it is."""


def is_transient(error: BaseException) -> bool:
    """Tell whether the same call may be answered later: commands carry a `request_id`, so they can be sent again."""
    return isinstance(error, Transient | Aborted)


def sentence(error: BossError) -> str:
    """Say what went wrong, which fields were wrong and why, and the stable reason to look up."""
    if isinstance(error, Transient) and error.reason == "DEPENDENCY_UNAVAILABLE":
        return _unreachable(error)
    text = error.message.strip().rstrip(".")
    new = (found for found in error.violations if found.description.rstrip(".") not in text)
    told = [f"{found.field}: {found.description}".rstrip(".") for found in new]
    return ". ".join([text, *told]) + f". [{error.reason}]"


def _unreachable(error: BossError) -> str:
    service = error.metadata.get("service", "the service")
    if error.metadata.get("code") == "DEADLINE_EXCEEDED":
        return f"{service} didn't answer in time. Try again; commands may be repeated."
    return f"{service} can't be reached. Is it running, and is BOSS_{service.upper()}_ADDRESS right?"
