"""What the pages show, as ready values: one module a page, made from the core's answers in the reader's language.

Templates print these values and decide nothing; the core knows no sentence. In between stands this package.
"""
