"""How a command says that it could not do what it was asked to."""


class CommandFailed(Exception):
    """The message is for whoever ran the command."""
