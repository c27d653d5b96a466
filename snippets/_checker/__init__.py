"""Checks what the comments of a Python file claim. Needs torch and nothing else.

``cards`` reads a file, ``claims`` knows the grammar, ``execute`` runs a card,
``state`` guards what a card must not change, ``worker`` gives each file its own
process, ``record`` keeps what was found, ``mutate`` lies on purpose to see
whether it is noticed, ``plugin`` is the pytest side.
"""
