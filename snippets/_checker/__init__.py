"""Checks what the comments of a Python file claim. Needs torch and nothing else.

``cards`` reads a file, ``grammar`` says what a claim is, ``find`` finds the claims of a card;
these and ``record``, which keeps what was found, need no torch. ``process`` forks a process
for what is to be run. In it ``state`` guards what a card must not change, ``execute`` runs the
card, ``compare`` holds each claim against what came out, and ``names`` notes what is used.
``mutate`` lies on purpose to see whether it is noticed, ``seeds`` shifts what examples seed
with, ``plugin`` is the pytest side and ``__main__`` the command. ``reading`` shows cards in a
terminal.
"""
