"""``python -m fragilite``."""

from fragilite.cli import main

main()
