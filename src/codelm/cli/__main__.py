"""`python -m codelm.cli` is `codelm`."""

from codelm.cli import main

main()
