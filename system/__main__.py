"""``python -m system``: the ``nst`` command without the console script."""

from system.cli import main

if __name__ == "__main__":
    main(prog_name="nst")
