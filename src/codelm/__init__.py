"""codelm: train, sample and evaluate language models of code (Chen et al. 2021, arXiv:2107.03374).

Importing this package is cheap: it loads neither torch nor numpy. Each room (`codelm.problems`,
`codelm.evaluation`, `codelm.training`, ...) is imported by name; `docs/architecture.md` is the map.
"""

__version__ = "0.1.0"
