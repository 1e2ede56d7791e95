#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints the licenses of every crate that is linked into a binary of the workspace.

    cargo metadata --format-version 1 --filter-platform TARGET | scripts/licenses.py PACKAGE

What only builds or tests it is not in the binary, and not listed. A crate without a license file is listed by the
expression of its manifest; one without either ends the script with exit code 1.
"""
import collections
import json
import pathlib
import sys

FILES = ("license", "licence", "copying", "notice", "unlicense")


def linked(metadata, root):
    """Returns the identifiers of the packages that a package is linked with, itself included."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen, todo = set(), [root]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        for dependency in nodes[at]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                todo.append(dependency["pkg"])
    return seen


def main():
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    roots = [package["id"] for package in metadata["packages"] if package["name"] == sys.argv[1]]
    texts = collections.defaultdict(list)
    missing = []
    # A set of strings has another order in every run.
    in_order = sorted((packages[name] for name in linked(metadata, roots[0])), key=lambda p: (p["name"], p["version"]))
    for package in in_order:
        if package["source"] is None:
            continue
        label = f"{package['name']} {package['version']}"
        folder = pathlib.Path(package["manifest_path"]).parent
        found = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(FILES))
        if package.get("license_file"):
            found = found or [folder / package["license_file"]]
        print(f"{label}: {package['license'] or 'see its file below'}")
        if not found and not package["license"]:
            missing.append(label)
        for path in found:
            texts[path.read_text(errors="replace").strip()].append(label)
    for text, labels in sorted(texts.items(), key=lambda item: item[1]):
        print(f"\n{'=' * 80}\n{', '.join(sorted(set(labels)))}\n{'-' * 80}\n{text}")
    if missing:
        sys.exit(f"no license: {', '.join(missing)}")


if __name__ == "__main__":
    main()
