"""The server: a network that answers, learns and is watched over HTTP; needs the extra `serve`."""
