"""How good the matcher's links, reviews and new products are on labelled sets.

Usage: python benchmarks/match_quality.py --sets FOLDER --tool FILE [--set NAME …]
       [--salts dev,a,b,c] [--columns names,all] [--limit N] [--rivals] [--rival-limit N]
       [--write PAGE]

FOLDER holds a folder a set (catalogue.csv, items.csv, gt.csv); FILE is the program that prepares
a set with a fifth of its catalogue hidden and scores an answer (`prepare`, `score`). `--limit`
takes that many items of each set, `--rivals` also runs plain RapidFuzz over all names of the
category, on `--rival-limit` items, and string_grouper when it is installed. `--write` puts the
table between the marks of a page. The last line is a JSON object.
"""

import argparse
import csv
import importlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rapidfuzz import fuzz, process, utils

SETS: Final = ("abt-buy", "pricerunner", "prosept-ru")
COLUMNS: Final = {"names": "name,category", "all": ""}
FIGURES: Final = ("precision", "recall", "f1", "review", "top1", "r5", "dup")
BEGIN: Final = "<!-- measured by benchmarks/match_quality.py -->"
END: Final = "<!-- end of what was measured -->"
LINK_MIN: Final = 95.0
REVIEW_MIN: Final = 70.0

type Row = dict[str, str]
type Matcher = Callable[[Path, Path, Path], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the runs have in common."""

    sets: Path
    tool: Path
    salts: tuple[str, ...]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ours(catalogue: Path, items: Path, out: Path) -> None:
    """Answer by the command that people use."""
    command = [sys.executable, "-m", "marketbel_runtime.cli", "match"]
    command += ["--catalogue", str(catalogue), "--items", str(items), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def rapidfuzz_by(scorer: Callable[..., float]) -> Matcher:
    """Answer by a ratio of letters over every name of the category."""

    def answer(catalogue: Path, items: Path, out: Path) -> None:
        names: defaultdict[str, list[str]] = defaultdict(list)
        ids: defaultdict[str, list[str]] = defaultdict(list)
        for row in read(catalogue):
            names[row["category"]].append(utils.default_process(row["name"]))
            ids[row["category"]].append(row["id"])
        rows = []
        for row in read(items):
            known = ids[row["category"]]
            sought = utils.default_process(row["name"])
            found = process.extract(sought, names[row["category"]], scorer=scorer, limit=5)
            rows.append((row["id"], [(score, known[at]) for _, score, at in found]))
        write_answers(out, rows)

    return answer


def string_grouper_answer(catalogue: Path, items: Path, out: Path) -> None:
    """Answer by string_grouper: the cosine of tf-idf of three letters, times 100."""
    pd = importlib.import_module("pandas")  # neither is a dependency of ours
    match_strings = importlib.import_module("string_grouper").match_strings
    products = pd.DataFrame(read(catalogue))
    wanted = pd.DataFrame(read(items))
    found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for category, mine in wanted.groupby("category"):
        theirs = products[products["category"] == category]
        pairs = match_strings(
            theirs["name"].reset_index(drop=True),
            mine["name"].reset_index(drop=True),
            master_id=theirs["id"].reset_index(drop=True),
            duplicates_id=mine["id"].reset_index(drop=True),
            min_similarity=0.1,
            max_n_matches=len(mine),
        )
        for _, pair in pairs.iterrows():
            found[pair["right_id"]].append((100 * pair["similarity"], pair["left_id"]))
    rows = [(item, sorted(found[item], reverse=True)[:5]) for item in wanted["id"]]
    write_answers(out, rows)


def write_answers(out: Path, rows: Sequence[tuple[str, list[tuple[float, str]]]]) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item_id", "decision", "score", "product_id", "candidates"))
        for item, found in rows:
            score, best = found[0] if found else (0.0, "")
            decision = "link" if score >= LINK_MIN else "review" if score >= REVIEW_MIN else "new"
            ids = " ".join(product for _, product in found)
            writer.writerow((item, decision, f"{score:.2f}", best, ids))


def scored(
    bench: Bench, name: str, matcher: Matcher, *, columns: str, limit: int
) -> Iterator[dict[str, float]]:
    """Yield what the tool prints, a salt after the other, and the seconds of the answer."""
    for salt in bench.salts:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            common = ["--salt", salt, "--limit", str(limit)]
            chosen = ["--columns", columns] if columns else []
            source = str(bench.sets / name)
            tool(bench, "prepare", source, folder, *common, *chosen)
            begin = time.perf_counter()
            matcher(out / "catalogue.csv", out / "items.csv", out / "answers.csv")
            seconds = time.perf_counter() - begin
            figures = tool(bench, "score", source, str(out / "answers.csv"), *common)
            yield {key: float(figures[key] or 0) for key in FIGURES} | {"seconds": seconds}


def tool(bench: Bench, *arguments: str) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, str(bench.tool), *arguments], check=True, capture_output=True, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def table_row(label: str, runs: Sequence[dict[str, float]]) -> tuple[str, dict[str, object]]:
    """Return a line of the table, mean and worst, and the same as JSON."""
    cells = []
    told: dict[str, object] = {"what": label}
    for key in FIGURES:
        values = [run[key] for run in runs]
        worst = max(values) if key in {"dup", "review"} else min(values)
        cells.append(f"{statistics.mean(values):.3f} ({worst:.3f})")
        told[key] = {"mean": round(statistics.mean(values), 4), "worst": round(worst, 4)}
    seconds = statistics.mean(run["seconds"] for run in runs)
    told["seconds"] = round(seconds, 1)
    return f"| {label} | {' | '.join(cells)} | {seconds:.0f} |", told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--tool", type=Path, required=True)
    parser.add_argument("--set", action="append", choices=SETS)
    parser.add_argument("--salts", default="dev,a,b,c")
    parser.add_argument("--columns", default="names,all")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--rival-limit", type=int, default=400)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    bench = Bench(
        sets=arguments.sets, tool=arguments.tool, salts=tuple(arguments.salts.split(","))
    )
    lines = [
        f"| set, columns, matcher | {' | '.join(FIGURES)} | s |",
        "|" + "---|" * (len(FIGURES) + 2),
    ]
    told = []
    for name, columns, matcher_name, matcher, limit in _plan(arguments):
        runs = list(scored(bench, name, matcher, columns=COLUMNS[columns], limit=limit))
        some = f", {limit} items" if limit else ""
        line, figures = table_row(f"{name}, {columns}, {matcher_name}{some}", runs)
        print(line, flush=True)
        lines.append(line)
        told.append(figures)
    if arguments.write:
        write_page(arguments.write, lines)
    print(json.dumps({"salts": bench.salts, "runs": told}))


def _plan(
    arguments: argparse.Namespace,
) -> Iterator[tuple[str, str, str, Matcher, int]]:
    for name in arguments.set or SETS:
        for columns in arguments.columns.split(","):
            yield name, columns, "marketbel", ours, arguments.limit
        if not arguments.rivals:
            continue
        yield name, "names", "WRatio", rapidfuzz_by(fuzz.WRatio), arguments.rival_limit
        by_set = rapidfuzz_by(fuzz.token_set_ratio)
        yield name, "names", "token_set_ratio", by_set, arguments.rival_limit
        if importlib.util.find_spec("string_grouper"):
            yield name, "names", "string_grouper", string_grouper_answer, arguments.limit
        else:
            print("string_grouper is not installed: left out", flush=True)


def write_page(page: Path, lines: Sequence[str]) -> None:
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise SystemExit(f"{page} lacks the marks {BEGIN} and {END}")
    table = "\n".join(lines)
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
