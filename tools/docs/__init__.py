"""The documentation: generated parts of its pages, the files for language models, and the built guide."""
