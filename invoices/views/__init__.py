"""The pages inside Pipedrive's frame: the panel, the invoice form, its result. One module a page."""
