"""What a tooth is: an edit of the source that must turn a claim to REFUTED."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tooth:
    """Replace `old` by `new` in the source of owner.name: the claim must be refuted."""

    claim: str
    owner: Any
    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.claim}: {self.owner.__name__.rpartition('.')[2]}.{self.name}: {self.new}"
