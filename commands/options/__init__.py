"""The options of the commands, a file for each kind of them; `cli.py` puts them together."""
