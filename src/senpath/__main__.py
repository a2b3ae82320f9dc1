"""`python -m senpath`."""

from senpath.cli.main import main

main()
