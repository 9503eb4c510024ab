"""User ids become keyed pseudonyms on the way in; the ids themselves go nowhere."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from envs.logs.rows import LogError, Words

VARIABLE = "LAUNCHSIM_PSEUDONYM_KEY"
_SHORTEST = 16  # characters of a key


def key(file: str | Path | None = None) -> bytes:
    """The secret key: from the file, else from the environment variable LAUNCHSIM_PSEUDONYM_KEY.

    Raises:
        LogError: there is none, it is too short to be secret, or others may read its file.
    """
    if file is None:
        text = os.environ.get(VARIABLE, "").encode()
        if not text:
            raise LogError(
                f"user ids must have a key to become pseudonyms, got none: set {VARIABLE}, name a key file (0600), "
                "or leave them out with --no-user-ids"
            )
    else:
        text = _secret(Path(file))
    if len(text) < _SHORTEST:
        raise LogError(f"pseudonym key must have {_SHORTEST} characters or more, got {len(text)}")
    return hashlib.blake2b(text).digest()


def own() -> Path | None:
    """Where the user's own key lies, made when it is first asked for; None where the environment has one.

    The command line falls back on it, so that ids become the same pseudonyms in every log of theirs.
    """
    if os.environ.get(VARIABLE):
        return None
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "launchsim" / "pseudonym.key"


def _made(file: Path) -> None:
    """A new key, its owner's alone."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(secrets.token_hex(32))
    print(f"launchsim: user ids become pseudonyms by a new key of yours, kept in {file}", file=sys.stderr)


def _secret(file: Path) -> bytes:
    try:
        if file == own() and not file.exists():
            _made(file)
        rights = stat.S_IMODE(file.stat().st_mode)
        text = file.read_bytes().strip()
    except OSError as reason:
        raise LogError(f"pseudonym key must be in a file that can be read, got {str(file)!r} ({reason})") from None
    if rights & 0o077:
        raise LogError(f"pseudonym key file must be its owner's alone (0600), got {rights:04o} of {str(file)!r}")
    return text


def pseudonymiser(secret: bytes) -> Callable[[Any], Any]:
    """A function from an Arrow array of ids (text) to one of pseudonyms (uint64): BLAKE2b keyed by the secret."""

    def pseudonyms(ids: Any) -> Any:
        whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        coded = whole.dictionary_encode()
        names = coded.dictionary.to_pylist()
        words: Words = np.array([_word(secret, name) for name in names] or [0], np.uint64)
        return pa.array(words[coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)])

    return pseudonyms


def _word(secret: bytes, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), key=secret, digest_size=8).digest(), "little")


def suppressed(counts: Any, users: Any, least: int) -> list[int | None]:
    """Counts for a report: None where fewer than `least` users (but some) stand behind one."""
    return [
        None if 0 < behind < least else int(count)
        for count, behind in zip(np.asarray(counts), np.asarray(users), strict=True)
    ]
