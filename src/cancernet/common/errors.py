"""The one error a user is meant to see."""


class UserError(Exception):
    """Something the user can mend: one line saying what is wrong, where, and what to do.

    The command line prints it without a traceback and exits with code 2.
    """
