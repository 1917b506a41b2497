"""The command `marketbel`: one verb a thing that an operator or a curious person wants done."""

import sys

from marketbel_core import __version__

__all__ = ["main"]


def main() -> None:
    """Run the command line; `--version` needs nothing but the base install."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"marketbel {__version__}\n")
        return
    from marketbel_runtime.exits import reported  # noqa: PLC0415

    with reported(as_json="--json" in arguments):
        from marketbel_runtime.cli.app import run  # noqa: PLC0415 - needs the extra [cli]

        sys.exit(run(arguments))
