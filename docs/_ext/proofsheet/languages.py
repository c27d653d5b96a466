"""The languages of the site: the one that pages are written in, and translations of it."""

SOURCE = "en"
NAMES = {SOURCE: "English", "zh_CN": "中文"}  # folder -> what the switch says
TRANSLATIONS = [language for language in NAMES if language != SOURCE]


def tag(language):
    """The language tag of a folder: ``zh_CN`` gives ``zh-CN``."""
    return language.replace("_", "-")
