"""The settings: which are wrong, which are missing, which are unwise."""

from collections.abc import Sequence
from typing import Final

from marketbel_runtime.doctor.findings import Finding, State
from marketbel_runtime.settings import SettingFault, Settings, SettingsError

__all__ = ["look_at_poll_interval", "look_at_settings"]

_SETTINGS: Final = "settings"
_POLL_INTERVAL: Final = "poll-interval"
_POLL_SECONDS_MAX: Final = 10
"""The admin interface promises that what it shows is at most this old."""


def look_at_settings(settings: Settings, faults: Sequence[SettingFault]) -> Finding:
    """Return which variables are wrong or missing, each with its cure, and no value."""
    complaints = [f"{fault.variable}: {fault.message}" for fault in faults]
    for require in (settings.require_database_url, settings.require_redis_url):
        try:
            require()
        except SettingsError as error:
            complaints.append(str(error))
    if complaints:
        return Finding(
            name=_SETTINGS,
            state=State.ERROR,
            message="; ".join(complaints),
            cure="correct the environment or the file .env",
        )
    given = ", ".join(sorted(name.upper() for name in settings.model_fields_set))
    return Finding(name=_SETTINGS, state=State.OK, message=f"set and right: {given}")


def look_at_poll_interval(seconds: int) -> Finding:
    """Return whether progress is asked for as often as the admin interface promises."""
    if seconds > _POLL_SECONDS_MAX:
        return Finding(
            name=_POLL_INTERVAL,
            state=State.WARNING,
            message=f"ML_POLL_INTERVAL_SECONDS is {seconds}: the admin interface promises figures "
            f"of the last {_POLL_SECONDS_MAX} s",
            cure=f"set ML_POLL_INTERVAL_SECONDS to {_POLL_SECONDS_MAX} or less",
        )
    return Finding(
        name=_POLL_INTERVAL, state=State.OK, message=f"progress is asked for every {seconds} s"
    )
