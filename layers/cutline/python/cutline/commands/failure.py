"""How a command says that it could not do what it was asked to."""

EXIT_STATUS = "exit status: 0 done, 1 something failed (told on stderr), 2 wrong arguments, 130 interrupted"


class CommandFailed(Exception):
    """The message is for the person who ran the command."""
