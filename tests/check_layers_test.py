#!/usr/bin/env python3
"""Each mistake that tools/check_layers exists for is found, and a sound tree has none."""

import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).parent.parent / "tools" / "check_layers"

SOUND = {
    "core/include/millrace/a.h": '#pragma once\n#if defined(__GNUC__)\n#define MILLRACE_A\n#endif\nStatus abort(int);\n',
    "core/a.cc": '#include "millrace/a.h"\n#include "b.h"\n// sleep_for, std::abort()\nvoid f() { transaction.abort(1); say("exit(1)"); }\n',
    "core/b.h": "#pragma once\n",
    "core/assert.cc": "#include <cstdlib>\nvoid fail() { std::abort(); }\n",
    "core/CMakeLists.txt": "set(SOURCES\n  a.cc\n  assert.cc\n)\n",
    "statestore/include/millrace/s.h": '#pragma once\n#include "millrace/a.h"\n',
    "streams/log/kafka/k.h": "#pragma once\n#include <librdkafka/rdkafka.h>\n",
}

# What is added to the sound tree, and what is then said.
MISTAKES = [
    ("core/c.h", '#pragma once\n#include "millrace/s.h"\n', "arrows point down"),
    ("streams/c.h", '#pragma once\n#include "b.h"\n', "out of reach"),
    ("streams/c.h", '#pragma once\n#include "../core/b.h"\n', "walks around"),
    ("streams/c.h", "#pragma once\n#include <librdkafka/rdkafka.h>\n", "only streams/log/kafka"),
    ("core/include/millrace/c.h", '#pragma once\n#include "b.h"\n', "is private"),
    ("core/include/millrace/c.h", "#pragma once\n#include <millrace/none.h>\n", "no public header"),
    ("core/include/millrace/c.h", "#pragma once\n#ifdef NDEBUG\n#endif\n", "two definitions"),
    ("core/include/millrace/c.h", "#pragma once\n#define LIMIT 3\n", "begin it with MILLRACE_"),
    ("core/include/other/c.h", "#pragma once\n", "under include/millrace/"),
    ("statestore/include/millrace/a.h", "#pragma once\n", "merged when installed"),
    ("core/b.h", '#pragma once\n#include "c.h"\n', "is not in core/"),
    ("core/b.h", '#pragma once\n#include "b.h"\n', "circle of includes"),
    ("core/b.h", "int no_guard;\n", "#pragma once is missing"),
    ("core/b.h", "#pragma once\nusing namespace std;\n", "using namespace"),
    ("core/b.h", "#pragma once\n" + "int x;\n" * 600, "at most 600"),
    ("core/a.cc", "void f() { std::this_thread::sleep_for(1s); }\n", "does not sleep"),
    ("core/a.cc", "void f() { sleep(1); }\n", "does not sleep"),
    ("core/a.cc", "void f() { std::exit(1); }\n", "does not end its host"),
    ("core/a.cc", "void f() { if (x) exit(1); }\n", "does not end its host"),
    ("core/a.cc", "#include <cstdlib>\nvoid f() { abort(); }\n", "does not end its host"),
    ("core/z.cc", "\n", "is not listed in SOURCES"),
    ("core/CMakeLists.txt", "set(SOURCES\n  assert.cc\n  a.cc\n)\n", "is not sorted"),
    ("tests/t.cc", "// TO" + "DO later\n", "finish it"),
]


def check(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr


def main():
    failures = 0
    code, output = check(SOUND)
    if code != 0:
        failures += 1
        print(f"the sound tree is refused:\n{output}")
    for name, text, sentence in MISTAKES:
        code, output = check({**SOUND, name: text})
        if code != 1 or sentence not in output:
            failures += 1
            print(f"{name} with {text[:60]!r}: expected '{sentence}', got {code}:\n{output}")
    print(f"{len(MISTAKES) + 1} cases, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
