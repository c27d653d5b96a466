"""The cards and the checker where people work: assistants that write code, and notebooks.

``assistant`` is the server that ``torchproof mcp`` starts, ``skill`` the file that tells an
assistant when to use the command, and ``notebook`` what ``%load_ext torchproof`` brings.
Nothing here has a say in whether a card passes, so it lies apart from the checker.
"""
