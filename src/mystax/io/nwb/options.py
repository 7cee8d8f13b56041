"""How an NWB file is written, and what it says of the animal or person."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["NwbOptions", "SubjectFacts"]


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What NWB wants to know of the animal or person.

    What is not told stands as not known: sex U, an age of 0 days or more, and the taxon of all animals.
    """

    subject_id: str = ""
    species: str = ""
    sex: str = ""
    age: str = ""

    def missing(self) -> list[str]:
        """List the options that were not given."""
        given = {"subject": self.subject_id, "species": self.species, "sex": self.sex, "age": self.age}
        return [f"--{name}" for name, value in given.items() if not value]


@dataclass(frozen=True, slots=True)
class NwbOptions:
    """How an NWB file is written.

    Attributes
    ----------
    start : datetime, optional
        Session start; by default the creation time of the earliest video.
    subject : SubjectFacts
        The animal or person.
    append : bool
        Add to an existing file.
    overwrite : bool
        Replace a file, or in one that is appended to what an older export of the same analyses left.
    verify : bool
        Compare every value after writing.
    check : bool
        Run the inspector too.
    """

    start: datetime | None = None
    subject: SubjectFacts = field(default_factory=SubjectFacts)
    append: bool = False
    overwrite: bool = False
    verify: bool = True
    check: bool = False
