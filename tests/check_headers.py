#!/usr/bin/env python3
"""Every public header compiles alone, without a warning, and pulls in no foreign library."""

import re
import sys

from compiler import LAYERS, ROOT, Compiler, arguments, includes, report

# Costs every user a second a file, and would make the library a dependency of theirs.
FOREIGN = re.compile(r"/(rocksdb|librdkafka|boost|nlohmann)/")
# The opt-in headers and what each may include.
ALLOWED = {"millrace/serde_json.h": "nlohmann"}


def main():
    compiler = Compiler(arguments(__doc__).parse_args())
    headers = []
    for layer in LAYERS:
        folder = ROOT / layer / "include"
        headers += [(layer, path.relative_to(folder)) for path in sorted(folder.rglob("*.h"))]
    headers = [entry for entry in headers if compiler.wanted(entry[1])]

    def check(entry):
        layer, header = entry
        stem = compiler.scratch / "headers" / str(header).replace("/", "_")
        stem.parent.mkdir(exist_ok=True)
        source, depends = stem.with_suffix(".cc"), stem.with_suffix(".d")
        text = f'#include "{header}"\n#include "{header}"\n'
        if not source.is_file() or source.read_text() != text:
            source.write_text(text)
        # Compiled, not only parsed, because then ccache remembers the answer.
        ok, output = compiler.run("-O0", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", *includes(layer),
                                  "-MD", "-MF", depends, "-c", source, "-o", stem.with_suffix(".o"))
        if not ok:
            return [f"{layer}/include/{header} does not compile alone:\n{output}"]
        foreign = {match.group(1) for match in FOREIGN.finditer(depends.read_text())}
        foreign.discard(ALLOWED.get(str(header)))
        return [f"{layer}/include/{header} includes {name}: keep it in a .cc, every user would pay for it"
                for name in sorted(foreign)]

    return report("public headers", len(headers), compiler.each(check, headers))


if __name__ == "__main__":
    sys.exit(main())
