"""Pages that look enough like Pipedrive to show the app where it lives."""
