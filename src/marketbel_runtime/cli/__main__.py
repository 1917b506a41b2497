"""`python -m marketbel_runtime.cli` is `marketbel`."""

from marketbel_runtime.cli import main

main()
