"""Building a corpus: what is kept, what is dropped and why, and that equal inputs give equal bytes."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from codelm.corpus import CorpusReport, build_corpus, count_packages, read_documents, split_of
from codelm.corpus.build import _Survey
from codelm.errors import InputError, OutputError, UsageError
from codelm.files import digest_file, read_jsonl

FILES = ("documents-train.parquet", "documents-validation.parquet", "drops.jsonl", "report.json")


def drops(corpus: Path) -> dict[str, tuple[str, str | None]]:
    """Reason and detail by path."""
    return {row["path"]: (row["reason"], row.get("detail")) for _, row in read_jsonl(corpus / "drops.jsonl")}


def test_every_file_is_kept_or_dropped_with_its_reason(make_tree: Any, tmp_path: Path) -> None:
    """One file for each reason, and the counts of the report add up to the files found."""
    root = make_tree(
        {
            "p/good.py": "x = 1\n",
            "q/copy.py": "x = 1\n",
            "p/big.py": "x = 1\n" * 200_000,
            "p/latin.py": b"# -*- coding: latin-1 -*-\ns = '\xe9'\n",
            "p/utf16.py": "x = 1\n".encode("utf-16"),
            "p/empty.py": "",
            "p/made.py": "# This file is generated\nx = 2\n",
            "p/long.py": "x = '" + "y" * 1000 + "'\n",
            "p/wide.py": "x = '" + "y" * 100 + "'\n",
            "p/dots.py": "." * 99,
            "p/secret.py": "HumanEval = 1\n",
            "p/codelm/__init__.py": "x = 3\n",
        }
    )
    (root / "p" / "dead.py").symlink_to("nowhere")
    report = build_corpus(
        [root],
        tmp_path / "out",
        validation_share=0,
        forbidden=lambda text: "names HumanEval" if "HumanEval" in text else None,
    )
    assert drops(tmp_path / "out") == {
        "p/big.py": ("too_large", None),
        "p/codelm/__init__.py": ("codelm_itself", None),
        "p/dead.py": ("unreadable", None),
        "p/dots.py": ("few_alphanumeric", None),
        "p/empty.py": ("empty", None),
        "p/latin.py": ("not_utf8", None),
        "p/long.py": ("line_too_long", None),
        "p/made.py": ("auto_generated", None),
        "p/secret.py": ("forbidden", "names HumanEval"),
        "p/utf16.py": ("not_utf8", None),
        "p/wide.py": ("mean_line_too_long", None),
        "q/copy.py": ("duplicate", "of p/p/good.py"),
    }
    assert [document.path for document in read_documents(tmp_path / "out", "train")] == ["p/good.py"]
    assert report.files_found == report.files_dropped + report.splits["train"].documents == 13
    assert CorpusReport.read(tmp_path / "out") == report


def test_document_holds_text_with_plain_line_ends_and_its_digest(make_tree: Any, tmp_path: Path) -> None:
    """Byte-order marks and carriage returns are no part of the text, so such copies are duplicates."""
    root = make_tree({"a.py": b"\xef\xbb\xbfx = 1\r\ny = 'caf\xc3\xa9'\r", "b.py": "x = 1\ny = 'café'\n"})
    build_corpus([root], tmp_path / "out", validation_share=0)
    (document,) = read_documents(tmp_path / "out", "train")
    assert document.text == "x = 1\ny = 'café'\n"
    assert document.sha == hashlib.sha256(document.text.encode()).hexdigest()
    assert (document.repo, document.path, document.license) == ("a", "a.py", None)
    assert drops(tmp_path / "out") == {"b.py": ("duplicate", "of a/a.py")}


def test_kept_copy_is_the_smallest_package_and_path_whatever_the_seed(make_tree: Any, tmp_path: Path) -> None:
    """The order of reading, drawn from the seed, does not reach the choice of the keeper."""
    root = make_tree({f"p{number}/m.py": "x = 1\n" for number in range(9)})
    for seed in range(5):
        build_corpus([root], tmp_path / "out", validation_share=0, seed=seed)
        assert [d.repo for d in read_documents(tmp_path / "out", "train")] == ["p0"]


def test_equal_inputs_give_equal_bytes(make_tree: Any, packages: dict[str, str], tmp_path: Path) -> None:
    """Built twice, and from a moved copy of the folder: the same files to the last byte."""
    root = make_tree({**packages, "odd/made.py": "# do not edit\n"})
    moved = shutil.copytree(root, tmp_path / "elsewhere" / "copy")
    reports = [
        build_corpus([folder], tmp_path / out, validation_share=0.3)
        for folder, out in ((root, "a"), (root, "b"), (moved, "c"))
    ]
    assert reports[0] == reports[1] == reports[2]
    for name in FILES:
        assert len({digest_file(tmp_path / out / name) for out in "abc"}) == 1, name


def test_no_path_of_the_machine_is_written(make_tree: Any, packages: dict[str, str], tmp_path: Path) -> None:
    """Corpora are passed on; where they were made is nobody's business."""
    root = make_tree(packages)
    build_corpus([root], tmp_path / "out", validation_share=0.3)
    table = pyarrow.parquet.read_table(tmp_path / "out" / "documents-train.parquet")
    texts = [*table["path"].to_pylist(), str(table.schema.metadata)]
    texts += [(tmp_path / "out" / name).read_text() for name in ("report.json", "drops.jsonl")]
    assert not [text for text in texts if str(tmp_path) in text]


def test_package_never_straddles_and_split_is_by_name(
    make_tree: Any, packages: dict[str, str], tmp_path: Path
) -> None:
    """Each package lies in the split that its name and the seed give."""
    root = make_tree(packages)
    build_corpus([root], tmp_path / "out", validation_share=0.3, seed=4)
    counts = count_packages(tmp_path / "out")
    assert len(counts) == 20
    assert {count.documents for count in counts} == {3}
    assert all(count.split == split_of(count.repo, validation_share=0.3, seed=4) for count in counts)
    assert {count.split for count in counts} == {"train", "validation"}


def test_split_shares_are_met_over_many_names() -> None:
    """The draw is even: of 10,000 names a tenth is held out, within five standard deviations."""
    held_out = sum(
        split_of(f"p{number}", validation_share=0.1, seed=0) == "validation" for number in range(10_000)
    )
    assert abs(held_out - 1000) < 150


def test_wanted_validation_without_a_package_is_refused(make_tree: Any, tmp_path: Path) -> None:
    """One package cannot be split: the message says what to do; nothing is written."""
    root = make_tree({"pyproject.toml": "", "a.py": "x = 1\n"})
    with pytest.raises(UsageError, match="none of 1 packages falls to validation"):
        build_corpus([root], tmp_path / "out", validation_share=0.01)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("files", [{"a.txt": ""}, {"a.py": ""}])
def test_nothing_to_train_on_is_refused(files: dict[str, str], make_tree: Any, tmp_path: Path) -> None:
    """An empty corpus would only fail later and less clearly."""
    with pytest.raises(InputError, match="nothing to train on"):
        build_corpus([make_tree(files)], tmp_path / "out", validation_share=0)


def test_budget_is_filled_but_not_exceeded_and_no_file_is_read_in_vain(
    make_tree: Any, packages: dict[str, str], tmp_path: Path
) -> None:
    """A smaller budget keeps a subset of a larger one's files; at most one file is read beyond it."""
    root = make_tree(packages)
    kept: list[set[str]] = []
    for budget in (500, 2000, 10**6):
        report = build_corpus([root], tmp_path / "out", validation_share=0.3, max_bytes=budget)
        total = sum(count.n_bytes for count in report.splits.values())
        assert total <= budget
        assert report.files_beyond_budget == 0 or total > budget - 200
        documents = [d for s in ("train", "validation") for d in read_documents(tmp_path / "out", s)]
        assert len(documents) + report.files_beyond_budget == 60
        kept.append({document.path for document in documents})
    assert kept[0] < kept[1] < kept[2]


def test_file_that_changes_between_the_passes_is_refused(
    make_tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A corpus never holds a text other than the one that was judged; the old corpus stays."""
    root = make_tree({"a.py": "x = 1\n"})
    old = build_corpus([root], tmp_path / "out", validation_share=0)
    keepers = _Survey.keepers

    def keepers_of_changed_files(survey: _Survey) -> Any:
        (root / "a.py").write_text("x = 2\n")
        return keepers(survey)

    monkeypatch.setattr(_Survey, "keepers", keepers_of_changed_files)
    with pytest.raises(InputError, match=r"a\.py: changed while the corpus was built"):
        build_corpus([root], tmp_path / "out", validation_share=0)
    assert CorpusReport.read(tmp_path / "out") == old
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_output_that_cannot_be_written_is_one_clear_error(make_tree: Any, tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        build_corpus([make_tree({"a.py": "x = 1\n"})], tmp_path / "out", validation_share=0)


def test_file_that_may_not_be_read_is_a_reason(
    make_tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A permission error on one file costs that file only."""
    root = make_tree({"a.py": "x = 1\n", "b.py": "x = 2\n"})
    read_bytes = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path.name == "b.py":
            raise PermissionError
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    build_corpus([root], tmp_path / "out", validation_share=0)
    assert drops(tmp_path / "out") == {"b.py": ("unreadable", None)}


def test_reading_a_damaged_corpus_names_the_file(make_tree: Any, tmp_path: Path) -> None:
    """Cut short, another schema, another version: refused by name."""
    out = tmp_path / "out"
    build_corpus([make_tree({"a.py": "x = 1\n"})], out, validation_share=0)
    file = out / "documents-train.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"documents-train\.parquet: cannot be read"):
        list(read_documents(out, "train"))
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x"]}), file)
    with pytest.raises(InputError, match=r"documents-train\.parquet: not a file of documents"):
        list(read_documents(out, "train"))
    report = json.loads((out / "report.json").read_text())
    for change, message in (({"version": 9}, "format version 9"), ({"splits": {}}, "not a corpus report")):
        (out / "report.json").write_text(json.dumps({**report, **change}))
        with pytest.raises(InputError, match=message):
            CorpusReport.read(out)
