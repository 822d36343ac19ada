"""`python cli.py …` from a checkout: the same as the installed command `orderloom …`."""

from engine.cli import main

if __name__ == "__main__":
    main()
