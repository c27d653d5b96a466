"""Checks what the comments of a Python file claim. Needs torch and nothing else.

``cards`` reads a file, ``grammar`` says what a claim is, ``find`` finds the claims of a card,
``compare`` holds one against what came out, ``execute`` runs a card, ``names`` notes what it uses,
``state`` guards what a card must not change, ``worker`` gives each file its own
process, ``record`` keeps what was found, ``mutate`` lies on purpose to see
whether it is noticed, ``plugin`` is the pytest side.
"""
