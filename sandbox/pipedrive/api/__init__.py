"""The REST API, versions 1 and 2, as far as the app calls it."""
