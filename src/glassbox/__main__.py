"""``python -m glassbox`` is the command ``glassbox``; so is ``torchrun -m glassbox``."""

from glassbox.cli import app

if __name__ == "__main__":
    app(prog_name="glassbox")
