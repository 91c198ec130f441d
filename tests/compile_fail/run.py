#!/usr/bin/env python3
"""Programs that must not compile, and the sentence that their author must then read.

Each *.cc here begins with the sentence:

    // expect: millrace: filter() needs a callable taking (const K&, const V&) and
    // returning bool.

(it ends with the comment, or where an empty // ends a paragraph). It must be the only error, within the first
six lines of what the compiler says; where a constant expression fails, it is the source line that the
compiler shows for that error. With -DCONTROL the same file must compile: so it fails for the
reason it names. Includes come first, <millrace/dsl.h> before all others: it is precompiled.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from compiler import Compiler, arguments, includes, report  # noqa: E402

LINES = 6


def expected(text):
    """The sentence, or None."""
    lines = text.splitlines()
    match = re.match(r"// expect: (millrace: \S.*)", lines[0] if lines else "")
    if not match:
        return None
    parts = [match.group(1).strip()]
    for line in lines[1:]:
        more = re.match(r"// +(\S.*)", line)
        if not more:
            break
        parts.append(more.group(1).strip())
    return " ".join(parts)


def main():
    compiler = Compiler(arguments(__doc__).parse_args())
    compiler.precompile("millrace/dsl.h", *includes())
    folder = Path(__file__).resolve().parent
    cases = [case for case in sorted(folder.glob("*.cc")) if compiler.wanted(case.name)]

    def check(case):
        name = f"tests/compile_fail/{case.name}"
        text = case.read_text(encoding="utf-8")
        sentence = expected(text)
        if sentence is None:
            return [f"{name}: its first line must be '// expect: millrace: ...'"]
        if "CONTROL" not in text:
            return [f"{name}: nothing depends on CONTROL, so nothing shows what the mistake is"]
        flags = [*compiler.pch, *includes(), "-fsyntax-only", case]
        complaints = []
        ok, output = compiler.run("-DCONTROL", *flags)
        if not ok:
            complaints.append(f"{name}: the control does not compile:\n{output}")
        ok, output = compiler.run(*flags)
        lines = output.splitlines()
        at = next((i for i, line in enumerate(lines) if " error: " in line), 0)
        first = lines[at] if lines else ""
        shown = lines[at + 1] if "constant expression" in first and at + 1 < len(lines) else ""
        if ok:
            complaints.append(f"{name}: compiles, but must not; expected:\n{sentence}")
        elif sentence not in first and sentence not in shown:
            complaints.append(f"{name}: the first error is not '{sentence}':\n{output}")
        elif sum(" error: " in line for line in lines) > 1:
            complaints.append(f"{name}: other errors follow the sentence:\n{output}")
        elif at >= LINES:
            complaints.append(f"{name}: the sentence comes after line {LINES}:\n{output}")
        return complaints

    return report("must-not-compile cases", len(cases), compiler.each(check, cases))


if __name__ == "__main__":
    sys.exit(main())
