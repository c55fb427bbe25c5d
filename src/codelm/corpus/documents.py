"""The corpus on disk: one Parquet file of documents per split, the same bytes for the same documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from codelm.corpus.split import Split
from codelm.errors import InputError, MissingError

if TYPE_CHECKING:
    import pyarrow

SPLITS: tuple[Split, ...] = ("train", "validation")
FORMAT_VERSION = 1
ROW_GROUP_CHARS = 4_000_000  # text per row group: what a reader holds in memory at a time


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One file of the corpus."""

    path: str  # relative to the folder it was collected from
    repo: str  # package
    license: str | None  # as the package's metadata names it; None when it does not
    sha: str  # SHA-256 of the text in UTF-8, hex
    text: str  # without byte-order mark, lines ended by "\n"


def documents_file(corpus: str | Path, split: Split) -> Path:
    """Where a split's documents are."""
    return Path(corpus) / f"documents-{split}.parquet"


class DocumentWriter:
    """Writes documents to a stream in row groups; the file is complete once it is closed."""

    def __init__(self, stream: IO[bytes]) -> None:
        pyarrow, parquet = _library()
        self._schema = _schema()
        self._table = pyarrow.Table
        self._parquet = parquet.ParquetWriter(
            stream, self._schema, compression="zstd", use_dictionary=["repo", "license"]
        )
        self._waiting: list[Document] = []
        self._waiting_chars = 0

    def write(self, document: Document) -> None:
        """Append one document."""
        self._waiting.append(document)
        self._waiting_chars += len(document.text)
        if self._waiting_chars >= ROW_GROUP_CHARS:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the file's footer."""
        self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        if self._waiting:
            columns = {name: [getattr(item, name) for item in self._waiting] for name in self._schema.names}
            self._parquet.write_table(self._table.from_pydict(columns, schema=self._schema))
            self._waiting, self._waiting_chars = [], 0


def read_documents(corpus: str | Path, split: Split) -> Iterator[Document]:
    """The documents of a split in order, a row group at a time. Raises: InputError."""
    for table in _row_groups(documents_file(corpus, split)):
        for row in table.to_pylist():
            yield Document(**row)


def _row_groups(path: Path) -> "Iterator[pyarrow.Table]":
    pyarrow, parquet = _library()
    try:
        with parquet.ParquetFile(path) as file:
            if not file.schema_arrow.equals(_schema()):
                raise InputError(f"{path}: not a file of documents; build it with `codelm corpus build`")
            for number in range(file.num_row_groups):
                yield file.read_row_group(number)
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: cannot be read ({reason}); build it with `codelm corpus build`") from error


def _schema() -> "pyarrow.Schema":
    pyarrow, _ = _library()
    nullable = {"license"}
    fields = [
        pyarrow.field(name, pyarrow.string(), nullable=name in nullable)
        for name in Document.__dataclass_fields__
    ]
    return pyarrow.schema(fields, metadata={"codelm.documents": str(FORMAT_VERSION)})


def _library() -> tuple[Any, Any]:
    """pyarrow and its Parquet part, loaded when first needed. Raises: MissingError."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingError("pyarrow is not installed; run: pip install 'codelm[corpus]'") from error
    return pyarrow, pyarrow.parquet
