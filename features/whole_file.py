"""Files that appear whole or not at all."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regulars.errors import RegularsError

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
"""What the disk says where a person can help; any other failure is the writer's own, and passes as it is."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Lend a path beside a file; what was written there takes the file's place when all went well.

    Parameters
    ----------
    path
        The file; it is replaced if it exists. A link goes on pointing to it.

    Raises
    ------
    RegularsError
        No file can be there, or the disk takes no more; what was there before stands.
    """
    path = path.resolve()
    if not path.parent.is_dir():
        raise RegularsError(f"{path}: the folder does not exist; make it, or choose another.")
    if path.exists() and not path.is_file():
        raise RegularsError(f"{path}: this is not a file; name a file in it or beside it.")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        sync(part)
        part.replace(path)
        sync(path.parent)
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise RegularsError(f"{path} cannot be written: {error.strerror}; what was there stands") from error
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Return when what was written to a file, or renamed in a folder, lies safely on the disk."""
    # Without this a power cut may undo the writing or the renaming. Windows cannot open folders, nor needs it.
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
