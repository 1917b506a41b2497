"""Keeps the documentation true: `python docs/build.py` rewrites what is made from the code.

`--check` rewrites nothing and ends with exit code 1 when such a part is stale, a relative link or
an anchor leads nowhere, a fenced `python` block does not compile, or a page cannot be reached from
README.md or docs/index.md.
"""

import argparse
import ast
import os
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the neighbour below is found from any folder

from docs.generated import PARTS  # noqa: E402

_PART: Final = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w-]+) -->).*?(?P<end><!-- end -->)", re.DOTALL
)
_FENCE: Final = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})(?P<language>\w*)")
_LINK: Final = re.compile(r"\[[^\]\n]*\]\(\s*<?(?P<href>[^)\s>]+)")
_HEADING: Final = re.compile(r"#{1,6} +(?P<title>.+?)\s*#*\s*")
_OUTSIDE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of code; `line` is that of its first line of code, from 1."""

    language: str
    line: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: its text as it lies on the disk, and the prose apart from the fenced code."""

    path: Path
    text: str
    prose: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The path as people read it, relative to the project."""
        return self.path.relative_to(ROOT).as_posix()


def read_page(path: Path) -> Page:
    """Return the page at `path`."""
    text = path.read_text(encoding="utf-8")
    prose: list[str] = []
    blocks: list[Block] = []
    mark, language, first, code = "", "", 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        found = _FENCE.match(line)
        if not mark and found:
            mark, language, first, code = found["mark"], found["language"], number + 1, []
        elif mark and line.strip().startswith(mark):
            blocks.append(Block(language=language, line=first, code="\n".join(code)))
            mark = ""
        elif mark:
            code.append(line)
        else:
            prose.append(line)
    return Page(path=path, text=text, prose=tuple(prose), blocks=tuple(blocks))


def rewritten(text: str) -> str:
    """Return `text` with its generated parts made anew; unknown parts stay as they are."""
    return _PART.sub(
        lambda found: (
            f"{found['begin']}\n\n{PARTS[found['name']]()}\n\n{found['end']}"
            if found["name"] in PARTS
            else found.group()
        ),
        text,
    )


def faults(pages: dict[Path, Page]) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with `pages`."""
    linked: dict[Path, set[Path]] = {}
    for page in pages.values():
        yield from _stale_parts(page)
        yield from _uncompilable_blocks(page)
        linked[page.path] = set()
        for href in _hrefs(page):
            target, fault = _followed(href, page, pages)
            if fault:
                yield f"{page.name}: the link to {href} {fault}"
            linked[page.path].add(target)
    for path in sorted(pages.keys() - _reachable(linked)):
        yield f"{pages[path].name}: no page leads here from README.md or docs/index.md"


def _stale_parts(page: Page) -> Iterator[str]:
    for found in _PART.finditer(page.text):
        name = found["name"]
        if name not in PARTS:
            yield f"{page.name}: nobody makes the generated part {name}"
        elif rewritten(found.group()) != found.group():
            yield f"{page.name}: the generated part {name} is stale: run python docs/build.py"


def _uncompilable_blocks(page: Page) -> Iterator[str]:
    for block in page.blocks:
        if block.language != "python":
            continue
        try:
            compile(
                textwrap.dedent(block.code),
                page.name,
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
        except SyntaxError as error:
            line = block.line + (error.lineno or 1) - 1
            yield f"{page.name}:{line}: the python block does not compile: {error.msg}"


def _hrefs(page: Page) -> Iterator[str]:
    for line in page.prose:
        for found in _LINK.finditer(re.sub(r"`[^`]*`", "code", line)):
            if not _OUTSIDE.match(found["href"]):
                yield found["href"]


def _followed(href: str, page: Page, pages: dict[Path, Page]) -> tuple[Path, str]:
    """Return where `href` leads to, and what is wrong with it ("" for nothing)."""
    place, _, anchor = unquote(href).partition("#")
    # By name and not by what a link in the file system leads to.
    target = Path(os.path.normpath(page.path.parent / place)) if place else page.path
    if not target.is_relative_to(ROOT):
        return target, "leads out of the project"
    if not target.exists():
        return target, "leads nowhere"
    if anchor and target in pages and anchor not in _anchors(pages[target]):
        return target, "names no heading there"
    return target, ""


def _anchors(page: Page) -> set[str]:
    """Return the anchors of the headings, made as code hosts make them."""
    anchors: set[str] = set()
    seen: Counter[str] = Counter()
    for line in page.prose:
        if found := _HEADING.fullmatch(line):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found["title"]).lower()
            anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
    return anchors


def _reachable(linked: dict[Path, set[Path]]) -> set[Path]:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "docs/index.md"]
    while waiting:
        path = waiting.pop()
        if path in linked and path not in reached:
            reached.add(path)
            waiting.extend(linked[path])
    return reached


def main() -> int:
    """Rewrite or check the documentation; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, tell what is wrong")
    check = parser.parse_args().check
    paths = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
    if not check:
        for path in paths:
            text = path.read_text(encoding="utf-8")
            if (fresh := rewritten(text)) != text:
                path.write_text(fresh, encoding="utf-8")
                print(f"rewrote {path.relative_to(ROOT).as_posix()}")
    found = list(faults({path: read_page(path) for path in paths}))
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
