"""One file per command; `pipeline.cli.discover` finds them."""
