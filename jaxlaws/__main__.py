"""`python -m jaxlaws` is the console script `jaxlaws`."""

from jaxlaws.cli.main import main

main(prog_name="jaxlaws")
