"""The parts of the documentation that are made from the code, so that they cannot drift from it.

Each function returns Markdown without the marks around it; `PARTS` names them.
"""

import ast
import inspect
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer.main
from pydantic import BaseModel

import marketbel_adapters
import marketbel_core
from marketbel_core.intake import ParseTaskMessage
from marketbel_core.intake.triggers import RetryTrigger, SyncTrigger
from marketbel_core.jobs import EVENT_SUMMARIES, PHASE_PARAGRAPHS, TRANSITIONS, JobEvent, Phase
from marketbel_runtime.cli.app import app
from marketbel_runtime.settings import Settings
from marketbel_runtime.tasks import TASKS

__all__ = ["PARTS"]

_CORE: Final = Path(marketbel_core.__file__).parent
_ADAPTERS: Final = Path(marketbel_adapters.__file__).parent
_LINE_LENGTH_MAX: Final = 99
_SYNC_TRIGGER: Final = (
    "The value of the key `sync:trigger`: a sync with the master sheet is wanted."
)
_PARSE_TASK: Final = (
    "Pushed to the right of the list `parse:triggers` (a file was uploaded), or to the left of "
    "`parse-tasks` (one supplier's list is to be fetched). `parse_task` takes the same arguments."
)
_RETRY_TRIGGER: Final = (
    "Pushed to the left of the list `retry:triggers`: a failed job is to be tried again."
)
_MESSAGES: Final = (
    ("sync-trigger", 1, _SYNC_TRIGGER, SyncTrigger),
    ("parse-task", 1, _PARSE_TASK, ParseTaskMessage),
    ("retry-trigger", 1, _RETRY_TRIGGER, RetryTrigger),
)
_BETWEEN_ARGUMENTS: Final = re.compile(r", (?![^\[]*\])")
_SECTION: Final = re.compile(r"(Args|Attributes|Raises|Returns|Yields):")


def _jobs_diagram() -> str:
    arrows: dict[tuple[Phase, Phase], list[str]] = defaultdict(list)
    for (phase, event), target in TRANSITIONS.items():
        arrows[phase, target].append(event.__name__)
    lines = [
        f"{phase} --> {target}: {', '.join(names)}" for (phase, target), names in arrows.items()
    ]
    first = next(iter(Phase))
    drawn = [f"[*] --> {first}", *lines, f"{Phase.COMPLETE} --> [*]"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in drawn), "```"])


def _jobs_phases() -> str:
    return "\n\n".join(
        f"### `{phase}`\n\n{PHASE_PARAGRAPHS[phase]}\n\n{_ways_out(phase)}" for phase in Phase
    )


def _ways_out(phase: Phase) -> str:
    ways = [
        f"- `{event.__name__}` ({EVENT_SUMMARIES[event]}): "
        + (f"to `{target}`" if target is not phase else "stays")
        for (source, event), target in TRANSITIONS.items()
        if source is phase
    ]
    return "\n".join(ways) or "No event applies here."


def _jobs_events() -> str:
    return "\n".join(
        ["| event | in short | when |", "|---|---|---|"]
        + [
            f"| `{event.__name__}` | {summary} | {_first_sentence(event)} |"
            for event, summary in EVENT_SUMMARIES.items()
        ]
    )


def _first_sentence(event: type[JobEvent]) -> str:
    return (inspect.getdoc(event) or "").partition("\n")[0]


def _tasks() -> str:
    lines = ["| task | arguments, all by name | what it does |", "|---|---|---|"]
    for task in sorted(TASKS, key=lambda task: task.__name__):
        done = (inspect.getdoc(task) or "").partition("\n")[0]
        lines.append(f"| `{task.__name__}` | {_arguments(task)} | {done} |")
    return "\n".join(lines)


def _arguments(task: Callable[..., object]) -> str:
    named = [
        f"`{parameter.name}`"
        for parameter in inspect.signature(task).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        and parameter.name not in {"attempt", "call_key", "may_retry"}
    ]
    return ", ".join(named) or "none"


def _job_commands() -> str:
    groups: Any = typer.main.get_command(app)
    lines = ["| command | arguments and options | what it does |", "|---|---|---|"]
    for group in ("jobs", "dlq"):
        for name, command in groups.commands[group].commands.items():
            given = [_given(parameter) for parameter in command.params]
            shown = ", ".join(f"`{each}`" for each in given if each != "--json") or "none"
            done = (command.help or "").partition("\n\n")[0].replace("\n", " ")
            lines.append(f"| `{group} {name}` | {shown} | {done} |")
    return "\n".join(lines)


def _given(parameter: Any) -> str:  # noqa: ANN401 - of the library that typer has inside
    if parameter.param_type_name == "argument":
        return f"{parameter.metavar}{'...' if parameter.nargs < 0 else ''}"
    return str(parameter.opts[0])


def _settings() -> str:
    properties = Settings.model_json_schema(by_alias=False)["properties"]
    rows = [
        f"| {_variable(name)} | {_default(schema)} | {_allowed(schema)} "
        f"| {schema['description']} |"
        for name, schema in properties.items()
    ]
    return "\n".join(["| variable | default | allowed | meaning |", "|---|---|---|---|", *rows])


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    choices = getattr(alias, "choices", None) or [alias or name]
    return " or ".join(f"`{str(choice).upper()}`" for choice in choices)


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    if value is None:
        return "unset"
    if value == "":
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(schema: Mapping[str, Any]) -> str:
    match schema:
        case {"minimum": low, "maximum": high}:
            return f"{low:g} to {high:g}"
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"pattern": pattern}:
            return f"`{pattern}`"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"format": "path"}:
            return "a folder"
        case _:
            return "text"


def _messages() -> str:
    return "\n\n".join(
        f"## {name}, version {version}\n\n{where}\n\n```json\n{_schema(name, version, model)}\n```"
        for name, version, where, model in _MESSAGES
    )


def _schema(name: str, version: int, model: type[BaseModel]) -> str:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:marketbel:message:{name}:v{version}",
    }
    return json.dumps({**head, **model.model_json_schema()}, indent=2, ensure_ascii=False)


def _ports() -> str:
    sections = []
    for module, tree in _modules(_CORE / "ports"):
        parts = [_described(node) for node in tree.body]
        body = "\n\n".join(part for part in parts if part)
        if body:
            sections.append(f"## {module.stem}\n\n{ast.get_docstring(tree)}\n\n{body}")
    return "\n\n".join(sections)


def _described(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef() if _is_port(node):
            methods = [
                _method(child)
                for child in node.body
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            return "\n\n".join([f"### {node.name}", _markdown(node), *methods])
        case ast.ClassDef():
            return f"**`{node.name}`** {_markdown(node)}"
        case ast.TypeAlias():
            return f"**`{ast.unparse(node)}`**"
        case _:
            return ""


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    decorators = [ast.unparse(name) for name in node.decorator_list]
    lines = ["@property"] if "property" in decorators else []
    lines += _signature(node)
    return "\n".join(["```python", *lines, "```", "", _markdown(node)])


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the lines of the signature as the formatter would have them."""
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    begin = f"{word} {node.name}("
    end = f") -> {ast.unparse(node.returns) if node.returns else 'None'}: ..."
    arguments = re.sub(r"(?<=\S)=(?=\S)", " = ", ast.unparse(node.args))
    if len(begin + arguments + end) <= _LINE_LENGTH_MAX:
        return [begin + arguments + end]
    indented = f"    {arguments}"
    if len(indented) <= _LINE_LENGTH_MAX:
        return [begin, indented, end]
    return [begin, *(f"    {one}," for one in _BETWEEN_ARGUMENTS.split(arguments)), end]


def _is_port(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        ast.unparse(base) == "Protocol" for base in node.bases
    )


def _markdown(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the docstring with its sections as lists."""
    lines: list[str] = []
    in_section = False
    for line in (ast.get_docstring(node) or "").splitlines():
        indent = len(line) - len(line.lstrip())
        if found := _SECTION.fullmatch(line):
            in_section = True
            lines += [f"{found.group(1)}:", ""]
        elif in_section and indent == len("    "):
            name, _, meaning = line.strip().partition(": ")
            lines.append(f"- `{name}`: {meaning}")
        elif in_section and line:
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines).strip()


def _adapters() -> str:
    """Return which classes keep which port, and the suite that they are held to."""
    ports = [
        node.name
        for _, tree in _modules(_CORE / "ports")
        for node in tree.body
        if isinstance(node, ast.ClassDef) and _is_port(node)
    ]
    keepers: dict[str, list[str]] = defaultdict(list)
    suites: dict[str, str] = {}
    for module, node in _adapter_classes():
        if module.is_relative_to(_ADAPTERS / "testing"):
            suites[node.name] = _linked(node, module)
            continue
        for base in node.bases:
            keepers[ast.unparse(base)].append(_linked(node, module))
    return "\n".join(
        ["| port | kept by | contract suite |", "|---|---|---|"]
        + [
            f"| [`{port}`](reference/ports.md#{port.lower()}) | {', '.join(keepers[port])} "
            f"| {suites.get(f'{port}Contract', '')} |"
            for port in ports
        ]
    )


def _linked(node: ast.ClassDef, module: Path) -> str:
    return f"[`{node.name}`](../src/{module.relative_to(_ADAPTERS.parent).as_posix()})"


def _adapter_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for folder in sorted(path for path in _ADAPTERS.iterdir() if path.is_dir()):
        for module, tree in _modules(folder):
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    yield module, node


def _modules(folder: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(folder.glob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "adapters": _adapters,
    "job-commands": _job_commands,
    "jobs-diagram": _jobs_diagram,
    "jobs-events": _jobs_events,
    "jobs-phases": _jobs_phases,
    "messages": _messages,
    "ports": _ports,
    "settings": _settings,
    "tasks": _tasks,
}
