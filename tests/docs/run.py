#!/usr/bin/env python3
"""Compiles every ```cpp block of README.md and docs/.

A block that includes a millrace header is a whole program: it is compiled as it stands, the way a
reader copies it. Any other block comes after prelude.h. The line before a block may say more:

    <!-- fragment -->             statements: they are put into a function
    <!-- continues -->            goes on where the block before it ended
    <!-- continues, fragment -->  goes on after the block before it, with statements

and what a page takes for granted is written where its reader does not see it; it counts for all
blocks of the page that follow:

    <!-- setup
    struct Order { std::string id; };
    -->

Blocks in other languages are left alone. There is no way to leave out a cpp block.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from compiler import ROOT, Compiler, arguments, includes, report  # noqa: E402

MARKS = {"fragment", "continues"}
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Wunused-result"]


@dataclass
class Unit:
    """One translation unit: a block and what continues it. Lists of (line in the page, text)."""

    page: Path
    line: int
    setup: list
    outside: list = field(default_factory=list)
    inside: list = field(default_factory=list)

    def add(self, line, text, is_fragment):
        if not is_fragment:
            self.outside.append((line, text))
            return
        # Statements may begin with the headers they need.
        lines = text.splitlines()
        heads = [head if head.startswith("#include") else "" for head in lines]
        self.outside.append((line, "\n".join(heads)))
        self.inside.append((line, "\n".join("" if head else rest for head, rest in zip(heads, lines))))

    def is_program(self):
        return not self.setup and any("#include <millrace/" in text for _, text in self.outside)

    def source(self):
        def located(pieces):
            return "".join(f'#line {line} "{self.page.relative_to(ROOT)}"\n{text}\n' for line, text in pieces)

        # Headers come before the setup, which may use them.
        heads = [line for _, text in self.outside for line in text.splitlines() if line.startswith("#include")]
        text = "\n".join(heads) + "\n" + located(self.setup) + located(self.outside)
        if self.inside:
            text += f"void fragment() {{\n{located(self.inside)}}}\n"
        return text


def units_of(page):
    """The page's translation units, and complaints about its marks."""
    name = page.relative_to(ROOT)
    units, complaints, setup, marks = [], [], [], set()
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        fence = re.match(r"(`{3,}|~{3,})\s*([\w+#-]*)", line)
        if fence:
            begin, body = at, []
            while at < len(lines) and not lines[at].strip().startswith(fence.group(1)):
                body.append(lines[at])
                at += 1
            if at == len(lines):
                complaints.append(f"{name}:{begin}: this block has no end")
            at += 1
            language = fence.group(2).lower()
            if language in ("c++", "cc", "cxx", "c"):
                complaints.append(f"{name}:{begin}: write ```cpp, so that the block is compiled")
            if language == "cpp":
                if "continues" in marks and not units:
                    complaints.append(f"{name}:{begin}: continues, but nothing comes before it")
                elif "continues" not in marks:
                    units.append(Unit(page, begin, list(setup)))
                if units:
                    is_fragment = "fragment" in marks or ("continues" in marks and bool(units[-1].inside))
                    units[-1].add(begin + 1, "\n".join(body), is_fragment)
            elif marks:
                complaints.append(f"{name}:{begin}: the mark before this block is for cpp blocks")
            marks = set()
        elif line == "<!-- setup":
            begin, body = at, []
            while at < len(lines) and lines[at].strip() != "-->":
                body.append(lines[at])
                at += 1
            at += 1
            setup.append((begin + 1, "\n".join(body)))
        elif re.fullmatch(r"<!-- [a-z, ]+ -->", line) and set(re.findall(r"\w+", line)) & MARKS:
            marks = set(re.findall(r"\w+", line))
            if marks - MARKS:
                complaints.append(f"{name}:{at}: marks are fragment and continues, not {sorted(marks - MARKS)}")
        elif line.startswith("<!-- not compiled"):
            following = next((l.strip() for l in lines[at:] if l.strip()), "")
            if following.startswith(("```cpp", "```c++")):
                complaints.append(f"{name}:{at}: C++ in the documents is compiled, without exception")
        elif line and marks:
            complaints.append(f"{name}:{at}: a mark stands directly before its block")
            marks = set()
    return units, complaints


def main():
    parser = arguments(__doc__)
    parser.add_argument("--prelude", default="prelude.h", help="a header in tests/docs/")
    options = parser.parse_args()
    compiler = Compiler(options)
    common = [*WARNINGS, *includes()]
    compiler.precompile("millrace/dsl.h", *common)
    compiler.precompile(options.prelude, *common)

    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), HERE / "sample.md"]
    units, complaints = [], []
    for page in pages:
        if page.is_file() and compiler.wanted(page):
            found, wrong = units_of(page)
            units += found
            complaints += wrong

    def check(unit):
        source = compiler.scratch / "docs" / f"{unit.page.stem}_{unit.line}.cc"
        source.parent.mkdir(exist_ok=True)
        source.write_text(unit.source(), encoding="utf-8")
        prelude = [] if unit.is_program() else ["-include", options.prelude]
        ok, output = compiler.run(*compiler.pch, *prelude, *common, f"-I{HERE}", "-fsyntax-only", source)
        return [] if ok else [f"{unit.page.relative_to(ROOT)}:{unit.line} does not compile:\n{output}"]

    return report("programs in the documents", len(units), complaints + compiler.each(check, units))


if __name__ == "__main__":
    sys.exit(main())
