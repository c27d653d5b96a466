"""The languages of the site: the one that pages are written in, and the translation of it."""

SOURCE, TRANSLATION = "en", "zh_CN"
NAMES = {SOURCE: "English", TRANSLATION: "中文"}  # folder -> what the switch says
