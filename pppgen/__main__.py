"""`python -m pppgen`."""

from pppgen.cli import main

if __name__ == "__main__":
    main()
