"""`python -m jaxlaws` is the command `jaxlaws`."""

from jaxlaws.cli.main import main

main()
