"""Everything a person sees: the interface and the command line."""
