"""What a server says of a file in its headers."""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

__all__ = ["announced_filename", "announced_mime_type"]

_PARAMETER: Final = re.compile(r""";\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]*)""")
_NAME_LENGTH_MAX: Final = 255
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Characters that make a name look like another one: controls, direction marks, zero widths."""

_CHARSETS: Final = frozenset({"utf-8", "iso-8859-1", "windows-1251", "koi8-r"})


def announced_filename(disposition: str | None, *, path: str) -> str | None:
    """Return the file's name by Content-Disposition (RFC 6266), else by the end of `path`.

    The extended form (`filename*`, RFC 8187) wins over the plain one. Folders before the name are
    cut off. A name that climbs out of its folder, has characters that nobody sees or is longer
    than a name can be was made to fool somebody, and is ignored; nothing left is `None`.
    """
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(f";{disposition or ''}"):
        parameters.setdefault(name.lower(), value)
    extended = _decoded(parameters.get("filename*", ""))
    plain = _unquoted(parameters.get("filename", ""))
    for name in (extended, plain, path):
        *folders, last = name.replace("\\", "/").split("/")
        last = last.strip()
        if last and ".." not in {*folders, last} and _is_honest(last):
            return last
    return None


def announced_mime_type(content_type: str | None) -> str | None:
    """Return the type without its parameters, in small letters; `None` when nothing was said."""
    return (content_type or "").split(";", 1)[0].strip().lower() or None


def _is_honest(name: str) -> bool:
    return len(name) <= _NAME_LENGTH_MAX and not any(
        unicodedata.category(character) in _HIDDEN for character in name
    )


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _decoded(value: str) -> str:
    """Return the text of `charset'language'percent-coded`, empty when it is not of that form."""
    charset, _, rest = _unquoted(value).partition("'")
    _, mark, coded = rest.partition("'")
    if not mark or charset.lower() not in _CHARSETS:
        return ""
    return unquote_to_bytes(coded).decode(charset, errors="replace")
