"""YAML that an operator writes: read so that a message can name the line of what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A document, and the line on which each of its parts begins, counted from 1."""

    document: Any
    lines: Mapping[Place, int]

    def line_of(self, place: Sequence[str | int]) -> int:
        """Return the line of a part; of one that is not there, the line of what it belongs to."""
        for length in range(len(place), -1, -1):
            if tuple(place[:length]) in self.lines:
                return self.lines[tuple(place[:length])]
        return 1


class _Loader(yaml.SafeLoader):
    """Leaves dates as they are written: whoever knows the field reads them, and says what is wrong."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_marked(text: str) -> Marked:
    """Read a document.

    Raises:
        yaml.YAMLError: it is none, or a key of a mapping comes twice.
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        lines: dict[Place, int] = {}
        if root is None:
            return Marked(None, lines)
        _mark(root, (), lines)
        return Marked(loader.construct_document(root), lines)
    finally:
        loader.dispose()


def _mark(node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    # An alias (`*name`) leads to a node that stands elsewhere: its first place counts.
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _mark(child, (*place, index), lines)
    elif isinstance(node, yaml.MappingNode):
        seen = set()
        for key, child in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"`{key.value}` is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
            lines.setdefault((*place, key.value), key.start_mark.line + 1)
            _mark(child, (*place, key.value), lines)
