"""What a client sends: the files of a form, as a patch stream. They are kept in memory until the answer is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cancernet.common.text import utf8
from cancernet.data.source import MemorySource
from cancernet.data.stream import PatchStream
from cancernet.data.zip_source import ZipSource
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits

FIELDS = 20  # of a form besides files
FIELD_BYTES = 10_000  # of one of them
NAME = 1000  # characters of a file's name, its folders included
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
                    sources.append(_opened(folder / "sent.zip", name))
                    named.append(name)
            stream = PatchStream(sources, named=named)
            if not loose or len(sources) > 1:
                stream.root = Path(TOP)
            if len(stream) > limits.patches:
                raise Problem("too-large", f"{len(stream):,} patches; at most {limits.patches:,} in a request")
            kept = set(stream.shown)
            stream.errors += [(name, LEFT) for name in loose if utf8(name) not in kept]
            yield stream


def _opened(path: Path, name: str) -> ZipSource:
    from cancernet.common.errors import UserError

    try:
        return ZipSource(path)
    except UserError as error:  # under the name that it was sent by
        raise UserError(str(error).replace(str(path), name)) from None


async def read_upload(request: Request, limits: Limits, *, name: str = "files") -> Upload:
    """Read a form with files.

    Args:
        request: whose body it is.
        limits: of the server.
        name: of the form's field that has files.

    Raises:
        Problem: no form, none that can be read, too many files, or none at all.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Problem("unsupported", f"send multipart/form-data with the field {name}, not {kind or 'nothing'}")
    try:
        form = await request.form(max_files=limits.files, max_fields=FIELDS, max_part_size=FIELD_BYTES)
    except HTTPException as error:  # Starlette's, of the form alone
        many = error.status_code == 413 or "Too many" in error.detail or "exceeded maximum" in error.detail
        raise Problem("too-large" if many else "invalid", f"the form cannot be read: {error.detail}") from None
    except ValueError as error:  # of names that are no text
        raise Problem("invalid", f"the form cannot be read: {error}") from None
    files: dict[str, bytes] = {}
    fields: dict[str, str] = {}
    try:
        for key, value in form.multi_items():
            if isinstance(value, str):
                fields[key] = value
            elif key == name:
                files[_name(value, files)] = await value.read()
            else:
                raise Problem("invalid", f"files belong into the field {name}, not {key[:50]!r}")
    finally:
        await form.close()
    if not files:
        raise Problem("invalid", f"no file was sent in the field {name}")
    return Upload(files, fields)


def _name(file: UploadFile, taken: Mapping[str, bytes]) -> str:
    """Return a name for a table; it is never that of a file on disk, but it shows whose a patch is."""
    said = (file.filename or "").replace("\\", "/").replace("\0", "")[-NAME:]
    parts = [part for part in PurePosixPath(said).parts if part not in ("/", "..", ".")]
    name = "/".join(parts) or "unnamed"
    if name not in taken:
        return name
    stem, dot, suffix = name.rpartition(".")
    number = 2
    while (other := f"{stem if dot else name} ({number}){dot}{suffix if dot else ''}") in taken:
        number += 1
    return other


def _is_zip(name: str, content: bytes) -> bool:
    return content[:2] == b"PK" or name.lower().endswith(".zip")
