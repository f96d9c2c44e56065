"""The pages and addresses of this app, one module for each kind."""
