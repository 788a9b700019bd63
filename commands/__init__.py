"""What each sub-command of `kakehashi` does; `commands/options/` declares their options, `cli.py` puts them together."""
