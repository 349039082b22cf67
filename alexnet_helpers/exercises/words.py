"""What is raised for an answer that cannot be judged, and the wording of hints."""


class NotAnswered(Exception):
    """Raised if there is no answer yet, or a function that returns nothing."""


class Refused(Exception):
    """Raised with the hint when an answer cannot be right, whatever else is in it."""


def one_line(text):
    """Return a text on one line, without the half characters that no file takes."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())


def type_name(value):
    """Return the name of a value's type."""
    return type(value).__name__


def with_article(noun):
    """Put "a" or "an" before a noun."""
    return f"{'an' if noun[:1].lower() in 'aeiou' or noun == 'ndarray' else 'a'} {noun}"
