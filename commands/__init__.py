"""What each sub-command of `kakehashi` does; `cli.py` only declares their options."""
