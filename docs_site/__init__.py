"""The documentation site: docs/*.md and a reference from docstrings, built offline by `python3 bootstrap.py docs`."""
