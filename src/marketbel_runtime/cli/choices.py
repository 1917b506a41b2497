"""What one verb needs of the environment: a fault elsewhere does not stand in its way."""

from marketbel_runtime.settings import Settings, SettingsError, read_settings

__all__ = ["settings_of"]


def settings_of(*variables: str) -> Settings:
    """Return the settings of the environment and of `.env`; only `variables` are to be used.

    Args:
        variables: Names of environment variables, in capitals.

    Raises:
        SettingsError: one of `variables` has a value that it must not have.
    """
    settings, faults = read_settings()
    told = [
        f"{fault.variable}: {fault.message}"
        for fault in faults
        if set(fault.variable.split(" or ")) & set(variables)
    ]
    if told:
        raise SettingsError(f"the environment is not right: {'; '.join(told)}")
    return settings
