"""Reads cards in a terminal: ``torchproof gather``. Needs neither torch nor anything installed.

``command`` reads the command line, ``store`` opens the files of cards, ``ranking`` finds the
cards for a query, ``drawing`` shows one, with colours if rich is installed, ``markdown`` writes
one for notebooks and assistants, ``desk`` hands it to the clipboard and the browser, and ``trial``
checks it on the torch that is installed here.
Nothing here has a say in whether a card passes, so it lies apart from the checker.
"""
