"""A client of `senpath serve`; needs the extra `serve`."""
