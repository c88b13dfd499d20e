"""The words for a step of a work, which the command line knows at every start (``works`` has the rules)."""

from enum import StrEnum


class Act(StrEnum):
    """What a step was."""

    PROMPT = "prompt"
    PARAMETERS = "parameters"
    DRAFT = "draft"
    CHOICE = "choice"
    EDIT = "edit"
    NOTE = "note"


class Doer(StrEnum):
    """Who did it, as whoever recorded it said."""

    HUMAN = "human"
    MACHINE = "machine"
