"""`python -m raravis` is the `raravis` command."""

from raravis.cli import main

if __name__ == "__main__":
    main()
