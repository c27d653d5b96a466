"""Two quiet colour schemes for code, all colours at least 4.5 : 1 on the code background."""

from pygments import token as t
from pygments.style import Style


def scheme(ink, keyword, string, number, comment):
    """Colour what carries meaning when one reads tensors; all else is in ink."""
    return {
        t.Token: ink,
        t.Keyword: keyword,
        t.Keyword.Constant: number,
        t.Operator.Word: keyword,
        t.Name.Decorator: keyword,
        t.String: string,
        t.String.Interpol: ink,
        t.Number: number,
        t.Comment: comment,
        t.Generic.Error: number,
        t.Generic.Prompt: comment,
    }


class Light(Style):
    """On near white."""

    background_color = "#f6f7f7"
    styles = scheme("#1b2024", "#6a3fa0", "#1b5e9b", "#9a4300", "#5a646c")


class Dark(Style):
    """On near black."""

    background_color = "#191d20"
    styles = scheme("#d6dce0", "#c4a7f5", "#8fc4f4", "#f0ab75", "#98a3ab")
