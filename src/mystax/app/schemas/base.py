"""What all objects that the page and the server exchange have in common."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Exchanged"]


class Exchanged(BaseModel):
    """An object of the contract: unknown fields are refused, and it is not changed once made."""

    model_config = ConfigDict(extra="forbid", frozen=True)
