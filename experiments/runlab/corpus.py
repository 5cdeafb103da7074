"""The text for the small models: download, division into documents and parts, and storage.

Symbols are ASCII bytes (vocabulary 128). A document ends with byte 0. The folder of a prepared
corpus has `validation.bin` (whole documents that no run trains on), `teacher.bin` and `student.bin`
(two disjoint halves of the other documents), and `corpus.json` (the source of the text).
"""

import hashlib
import json
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.runlab.comments import C_SUFFIXES, documents_of_comments

VOCABULARY = 128
PACKAGE = "linux-source-6.1"
# The version of the bundled runs. Another version has other text and gives other losses.
VERSION = "6.1.192-2"
_ADDRESS = "http://deb.debian.org/debian-security/pool/updates/main/l/linux"
HELD_OUT_SYMBOLS = 2_000_000
SEED = 20250206
PARTS = ("validation", "teacher", "student")


@dataclass(frozen=True)
class Corpus:
    """The prepared text: one memory map of bytes for each part, and facts about its source."""

    parts: Mapping[str, np.ndarray]
    facts: dict


def fetch(folder: Path) -> Path:
    """Download the package with the kernel sources of the bundled runs.

    Raises:
        OSError: the download fails. `prepare --source` takes another text; use another table too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{PACKAGE}_{VERSION}_all.deb"
    if not target.exists():
        partial = target.with_suffix(".part")
        urllib.request.urlretrieve(f"{_ADDRESS}/{target.name}", partial)
        partial.replace(target)
    return target


def prepare(source: Path, folder: Path, *, held_out: int = HELD_OUT_SYMBOLS) -> Corpus:
    """Cut `source` into documents and write the prepared corpus into `folder`.

    Args:
        source: a Debian source package, a tarball, or a folder of text.
        folder: the folder to write. Its `corpus.json` is written last, so that an incomplete corpus
            is never loaded.
        held_out: smallest number of validation symbols. Validation text has whole documents.

    Returns:
        The corpus, as from `load`.
    """
    documents = sorted(_documents(source))
    if not documents:
        raise ValueError(f"no English text found in {source}")
    order = np.random.default_rng(SEED).permutation(len(documents))
    parts: dict[str, list[bytes]] = {part: [] for part in PARTS}
    sizes = dict.fromkeys(PARTS, 0)
    for index in order:
        data = documents[index][1].encode("ascii", errors="ignore") + b"\0"
        if sizes["validation"] < held_out:
            part = "validation"
        else:  # the next document goes to the shorter half, so that the halves stay equal
            part = "teacher" if sizes["teacher"] <= sizes["student"] else "student"
        parts[part].append(data)
        sizes[part] += len(data)

    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for part in PARTS:
        data = b"".join(parts[part])
        digest.update(data)
        (folder / f"{part}.bin").write_bytes(data)
    facts = {
        "source": source.name,
        "sha256": digest.hexdigest(),
        "documents": {part: len(parts[part]) for part in PARTS},
        "symbols": sizes,
        "seed": SEED,
    }
    temporary = folder / "corpus.json.tmp"
    temporary.write_text(json.dumps(facts, indent=1))
    temporary.replace(folder / "corpus.json")
    return load(folder)


def load(folder: Path) -> Corpus:
    """Open a prepared corpus as memory maps."""
    facts = json.loads((folder / "corpus.json").read_text())
    parts = {part: np.memmap(folder / f"{part}.bin", dtype=np.uint8, mode="r") for part in PARTS}
    return Corpus(parts, facts)


def _documents(source: Path) -> list[tuple[str, str]]:
    if source.is_dir():
        return _folder_documents(source)
    if source.suffix == ".deb":
        return list(documents_of_comments(_sorted_sources(_debian_members(source))))
    return list(documents_of_comments(_sorted_sources(_tar_members(source))))


def _sorted_sources(members: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return sorted((name, data) for name, data in members if name.endswith(C_SUFFIXES))


def _folder_documents(folder: Path) -> list[tuple[str, str]]:
    """Return the comments of C sources, and the whole text of other text files."""
    sources, documents = [], []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        if name.endswith(C_SUFFIXES):
            sources.append((name, data))
        elif b"\0" not in data:
            documents.append((name, data.decode("ascii", errors="ignore")))
    return documents + list(documents_of_comments(sources))


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, mode="r:*") as archive:
        yield from _read_members(archive)


def _debian_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the C sources in the tarball inside a Debian source package."""
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacked,
        tarfile.open(fileobj=unpacked.stdout, mode="r|") as outer,
    ):
        for member in outer:
            if ".tar." in member.name:
                with tarfile.open(fileobj=outer.extractfile(member), mode="r|*") as inner:
                    yield from _read_members(inner)


def _read_members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        if member.isfile() and member.name.endswith(C_SUFFIXES):
            content = archive.extractfile(member)
            if content is not None:
                yield member.name, content.read()
