"""Who may change the catalogue: static keys and bearer tokens of an OpenID provider."""
