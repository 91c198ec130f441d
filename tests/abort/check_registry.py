#!/usr/bin/env python3
"""Fails for a public method of a DSL handle that has no entry in the registry of operators, and for
an entry whose method is not there.

  check_registry.py [--handles DIR] [--registry DIR]
"""
import argparse
import pathlib
import re
import sys

HANDLES = ["kstream.h", "kgrouped_stream.h", "time_windowed_kstream.h", "ktable.h",
           "kgrouped_table.h"]
METHOD = re.compile(r"^  (?=[A-Za-z\[])(?!return|using|static|explicit|template|requires|friend)"
                    r"[A-Za-z_0-9\[\]:<>, *&]*?[\s>\]]([a-z_]\w*)\(", re.M)


def methods(text):
    """The public methods that the one class of this header declares, as "Class::method"."""
    name = re.search(r"^class (\w+)[^;{]*\{", text, re.M).group(1)
    body = text[text.index("\n public:") + 1:]
    end = re.search(r"^ (private|protected):", body, re.M)
    body = body[:end.start()] if end else body
    # A section of overloads that exist only to fail with a sentence.
    body = re.split(r"^  // --- mistakes", body, flags=re.M)[0]
    return {f"{name}::{method}" for method in METHOD.findall(body)}


def entries(folder):
    found = set()
    for file in sorted(folder.glob("*.cc")):
        found |= set(re.findall(r'\{\s*"(\w+::\w+)[,"]', file.read_text()))
    return found


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--handles", type=pathlib.Path,
                        default=here.parents[1] / "dsl/include/millrace/dsl")
    parser.add_argument("--registry", type=pathlib.Path, default=here)
    arguments = parser.parse_args()

    public = set()
    for handle in HANDLES:
        of_handle = methods((arguments.handles / handle).read_text())
        if not of_handle:
            sys.exit(f"{handle}: no public method found; does the pattern still fit?")
        public |= of_handle
    # Not operators: what a handle says of itself.
    public -= {"KTable::store"}
    registered = entries(arguments.registry)
    for method in sorted(public - registered):
        print(f"{method} has no entry: add one to tests/abort")
    for method in sorted(registered - public):
        print(f"{method} is registered, and there is no such method")
    if public != registered:
        sys.exit(1)
    print(f"{len(public)} operators, each with an entry")


if __name__ == "__main__":
    main()
