"""Problems to fine-tune on: generated here, and kept apart from every evaluated problem."""

from codelm.curation.generate import (
    HELD_OUT,
    FamilyConfig,
    Generated,
    generate_problems,
    shuffle_docstrings,
)
from codelm.curation.overlap import Evaluated

__all__ = ["HELD_OUT", "Evaluated", "FamilyConfig", "Generated", "generate_problems", "shuffle_docstrings"]
