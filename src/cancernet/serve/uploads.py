"""What a client sends: the files of a form, as a patch stream. They are kept in memory until the answer is there."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from starlette.requests import Request

from cancernet.common.errors import UserError
from cancernet.common.text import utf8
from cancernet.data.source import MemorySource
from cancernet.data.stream import PatchStream
from cancernet.data.zip_source import ZipSource
from cancernet.serve.form import read_form
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

NAME = 1000  # characters of a file's name, its folders included
LISTED = 400  # bytes of a zip's list of members for each patch that is borne; with a long name one has 200
LEFT = "left out: a file manager's, a document, or a copy of another"
TOP = "upload"  # how the folder is called that loose files lie in


@dataclass(frozen=True)
class Upload:
    """A form that was sent.

    Attributes:
        files: content by name; a name that came twice has a number the second time.
        fields: the others.
    """

    files: Mapping[str, bytes]
    fields: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def stream(self, limits: Limits) -> Iterator[PatchStream]:
        """Give the files as a patch stream; a zip lies on disk meanwhile, since it is read by places in it.

        Raises:
            Problem: more patches than are borne.
            UserError: a zip that cannot be read.
        """
        loose = {name: content for name, content in self.files.items() if not _is_zip(name, content)}
        with ExitStack() as stack:
            sources: list[MemorySource | ZipSource] = [MemorySource(loose)] if loose else []
            named = [""] if loose else []
            for name, content in self.files.items():
                if name not in loose:
                    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cancernet-")))
                    (folder / "sent.zip").write_bytes(content)
                    sources.append(_opened(folder / "sent.zip", name, limits))
                    named.append(name)
            stream = PatchStream(sources, named=named)
            if not loose or len(sources) > 1:
                stream.root = Path(TOP)
            if len(stream) > limits.patches:
                raise Problem("too-large", f"{len(stream):,} patches; at most {limits.patches:,} in a request")
            kept = set(stream.shown)
            stream.errors += [(name, LEFT) for name in loose if utf8(name) not in kept]
            yield stream


def _opened(path: Path, name: str, limits: Limits) -> ZipSource:
    try:
        source = ZipSource(path, most_listed=LISTED * limits.patches)
    except UserError as error:  # under the name that it was sent by
        raise UserError(str(error).replace(str(path), name)) from None
    unpacked = sum(member.size for member in source.members())
    if unpacked > limits.in_flight_bytes:
        raise Problem("too-large", f"{name}: {unpacked:,} bytes unpacked; at most {limits.in_flight_bytes:,}")
    return source


async def read_upload(
    request: Request, limits: Limits, *, name: str = "files", fields: Collection[str] | None = None
) -> Upload:
    """Read a form with files.

    Args:
        request: whose body it is.
        limits: of the server.
        name: of the form's field that has files.
        fields: that there may be besides; any by default.

    Raises:
        Problem: no form, none that can be read, too many files, a field that means nothing here, or no file at all.
    """
    found: dict[str, bytes] = {}
    others: dict[str, str] = {}
    taken: dict[str, int] = {}
    for key, file, content in await read_form(request.headers, request.stream(), files=limits.files):
        if file is None and key != name:
            if fields is not None and key not in fields:
                raise Problem("invalid", f"no field {key[:50]!r} is known here; what is asked stands in the address")
            others[key] = content.decode("utf-8", "replace")
        elif file is None or key != name:
            raise Problem("invalid", f"files belong into the field {name}, each with a name, not {key[:50]!r}")
        else:
            found[_name(file, taken)] = content
    if not found:
        raise Problem("invalid", f"no file was sent in the field {name}")
    return Upload(found, others)


def _name(file: str, taken: dict[str, int]) -> str:
    """Return a name for a table; it is never that of a file on disk, but it shows whose a patch is.

    Args:
        file: as it was sent.
        taken: names that were given, each with the last number that was put behind it; this one is added.
    """
    said = file.replace("\\", "/").replace("\0", "")[-NAME:]
    parts = [part for part in PurePosixPath(said).parts if part not in ("/", "//", "..", ".")]
    first = name = "/".join(parts) or "unnamed"
    stem, dot, suffix = name.rpartition(".")
    while name in taken:
        taken[first] += 1
        number = f" ({taken[first]})"
        name = f"{stem}{number}{dot}{suffix}" if dot else f"{first}{number}"
    taken[name] = 1
    return name


def _is_zip(name: str, content: bytes) -> bool:
    return content[:2] == b"PK" or name.lower().endswith(".zip")
