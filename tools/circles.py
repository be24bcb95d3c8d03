"""Prints the circles among the source files: files that import each other, directly or through others.

    python3 tools/circles.py

Module declarations and re-exports do not count: an import through `mod.rs` leads to the file that defines the item.
Tests do not count either. Ends with 1 if there is a circle.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = {"idc_setup": "src", "idc_sim": "crates/idc-sim/src", "aws_config_file": "crates/aws-config-file/src"}

ITEM = re.compile(r"^(?:pub(?:\([^)]*\))? )?(?:async |const |unsafe )*(?:fn|struct|enum|trait|type|const|static|mod|macro_rules!)\s+(\w+)", re.M)
USE = re.compile(r"^\s*(pub(?:\([^)]*\))? )?use ([^;]+);", re.M)
INLINE = re.compile(r"(?<![\w:])([a-z]\w*(?:::\w+)+)")


def leaves(tree, prefix=()):
    """The paths of a use tree, each with the name that it gets: `a::{b, c as d}` has `a::b` and `a::c`."""
    tree = tree.strip()
    depth, start, parts = 0, 0, []
    for index, char in enumerate(tree):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(tree[start:index])
            start = index + 1
    parts.append(tree[start:])
    if len(parts) > 1:
        return [leaf for part in parts if part.strip() for leaf in leaves(part, prefix)]
    if "{" in tree:
        head, rest = tree.split("{", 1)
        return leaves(rest.rsplit("}", 1)[0], prefix + tuple(s for s in head.split("::") if s))
    path, _, alias = tree.partition(" as ")
    segments = prefix + tuple(s.strip() for s in path.split("::") if s.strip())
    if segments and segments[-1] == "self":
        segments = segments[:-1]
    return [(segments, alias.strip() or (segments[-1] if segments else ""))] if segments else []


class Module:
    def __init__(self, path, root):
        parts = path.relative_to(root).with_suffix("").parts
        self.path = path
        self.name = tuple(part for part in parts if part not in ("mod", "lib", "main"))
        text = re.split(r"#\[cfg\([^]]*\btest\b[^]]*\)\]\nmod tests", path.read_text())[0]
        self.text = re.sub(r"//[^\n]*", "", text)
        self.items = set(ITEM.findall(self.text))
        self.exports = {}
        for public, tree in USE.findall(self.text):
            if public:
                for segments, name in leaves(tree):
                    self.exports[name] = segments


def absolute(segments, module, modules):
    """The path from the root of the crate, or None if it leads out of the crate."""
    head, rest = segments[0], segments[1:]
    base = module.name
    if head == "crate":
        return rest
    if head == "self":
        return base + rest
    while head == "super":
        base = base[:-1]
        head, rest = (rest[0], rest[1:]) if rest else ("", ())
        if head != "super":
            return base + ((head,) if head else ()) + rest
    return base + segments if base + (head,) in modules else None


def defining(path, modules, seen=()):
    """The module that defines the item with this path."""
    for length in range(len(path), -1, -1):
        module = modules.get(path[:length])
        if module is None:
            continue
        if length == len(path):
            return module
        name = path[length]
        if name in module.exports and (path, name) not in seen:
            target = absolute(module.exports[name], module, modules)
            if target is not None:
                return defining(target + path[length + 1 :], modules, (*seen, (path, name)))
        return module
    return None


def imports(module, modules):
    found = []
    for public, tree in USE.findall(module.text):
        if not public:
            found += [segments for segments, _ in leaves(tree)]
    body = USE.sub("", module.text)
    found += [tuple(path.split("::")) for path in INLINE.findall(body)]
    for segments in found:
        path = absolute(segments, module, modules)
        target = defining(path, modules) if path is not None else None
        if target is not None and target is not module:
            yield target


def circles(edges):
    """The strongly connected components with more than one file (Tarjan)."""
    index, low, stack, result = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                result.append(sorted(component))

    for node in edges:
        if node not in index:
            visit(node)
    return result


def main():
    sys.setrecursionlimit(10_000)
    count = 0
    for crate, folder in CRATES.items():
        root = ROOT / folder
        files = [Module(path, root) for path in sorted(root.rglob("*.rs")) if path.name != "main.rs"]
        modules = {module.name: module for module in files}
        edges = {module.path: sorted({target.path for target in imports(module, modules)}) for module in files}
        found = circles(edges)
        count += len(found)
        print(f"{crate}: {len(files)} files, {sum(map(len, edges.values()))} imports, {len(found)} circles")
        for circle in found:
            for path in circle:
                others = [str(other.relative_to(ROOT)) for other in edges[path] if other in circle]
                print(f"  {path.relative_to(ROOT)} imports {', '.join(others)}")
    sys.exit(1 if count else 0)


main()
