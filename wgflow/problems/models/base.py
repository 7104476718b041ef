"""What all sections of a problem file are made of: a base that forbids unknown keys, and types with their ranges."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=1e-13, le=0.1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Vector = Annotated[list[Finite], Field(min_length=1)]


def _check_rows(rows: list[list[float]]) -> list[list[float]]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"has rows of lengths {[len(row) for row in rows]}; give rows of equal length")
    return rows


Matrix = Annotated[list[Vector], Field(min_length=1), AfterValidator(_check_rows)]


class Section(BaseModel):
    """Base of all sections: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
