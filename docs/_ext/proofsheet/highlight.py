"""Two quiet colour schemes for code, all colours at least 4.5 : 1 on the code background."""

from pygments.style import Style
from pygments.token import (
    Comment,
    Error,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Token,
)  # fmt: skip


def scheme(ink, keyword, string, number, comment):
    """Colour what carries meaning when one reads tensors; leave the rest in ink."""
    return {
        Token: ink,
        Name: ink,
        Operator: ink,
        Punctuation: ink,
        Keyword: keyword,
        Keyword.Constant: number,
        Operator.Word: keyword,
        Name.Decorator: keyword,
        Name.Exception: ink,
        String: string,
        String.Interpol: ink,
        Number: number,
        Comment: f"noitalic {comment}",
        Generic.Error: number,
        Generic.Prompt: comment,
        Generic.Output: ink,
        Error: ink,
    }


class Light(Style):
    """On near white."""

    background_color = "#f6f7f7"
    styles = scheme("#1b2024", "#6a3fa0", "#1b5e9b", "#9a4300", "#5a646c")


class Dark(Style):
    """On near black."""

    background_color = "#191d20"
    styles = scheme("#d6dce0", "#c4a7f5", "#8fc4f4", "#f0ab75", "#98a3ab")
