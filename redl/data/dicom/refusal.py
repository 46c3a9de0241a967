"""Why an image is not read, in words that quote nothing of its header."""


class Refusal(Exception):  # noqa: N818 - it never leaves this package
    """Report what is wrong with a file and how to mend it; `read_image` puts the file's name before it."""
