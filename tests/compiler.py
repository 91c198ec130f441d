"""What the tests that only compile have in common: a compiler, its include folders, two at a time."""

import argparse
import concurrent.futures
import os
import subprocess
from pathlib import Path

LAYERS = ["core", "statestore", "streams", "dsl"]
ROOT = Path(__file__).resolve().parent.parent


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--launcher", default="", help="goes before the compiler: ccache")
    parser.add_argument("--scratch", type=Path, default=ROOT / "build" / "compile_only")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("only", nargs="*", help="parts of the names of those to run")
    return parser


def includes(up_to="dsl"):
    """The public folders of a layer and of those below it."""
    folders = LAYERS[: LAYERS.index(up_to) + 1]
    return [f"-I{ROOT / layer / 'include'}" for layer in folders]


class Compiler:
    def __init__(self, options):
        self.command = [*options.launcher.split(), options.compiler, "-std=c++20", "-fdiagnostics-color=never"]
        self.scratch = options.scratch
        self.jobs = options.jobs
        self.only = options.only
        self.pch = []
        self.scratch.mkdir(parents=True, exist_ok=True)

    def run(self, *flags):
        """(compiled, what the compiler said)"""
        done = subprocess.run([*self.command, *map(str, flags)], capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C"})
        return done.returncode == 0, done.stderr

    def precompile(self, header, *flags):
        """Makes files whose first include is <header> compile quickly; no harm where it fails."""
        source = next((folder / header for folder in [ROOT / "tests" / "docs", *(ROOT / l / "include" for l in LAYERS)]
                       if (folder / header).is_file()), None)
        if source is None:
            return
        folder = self.scratch / "precompiled"
        target = folder / f"{header}.gch"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        # What stands there for those who include it once more, or not first.
        (folder / header).write_text(f'#include "{source}"\n', encoding="utf-8")
        done, _ = self.run(*flags, "-w", "-x", "c++-header", source, "-o", target)
        if done:
            self.pch = [f"-I{folder}"]

    def wanted(self, name):
        return not self.only or any(part in str(name) for part in self.only)

    def each(self, work, items):
        """work(item) -> list of complaints, run in parallel; all complaints in the order of items."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            return [complaint for complaints in pool.map(work, items) for complaint in complaints]


def report(what, count, complaints):
    for complaint in complaints:
        print(complaint)
        print("-" * 80)
    print(f"{count} {what}, {len(complaints)} failed")
    return 1 if complaints or not count else 0
