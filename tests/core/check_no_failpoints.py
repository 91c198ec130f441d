#!/usr/bin/env python3
"""Fails if a library holds anything of a failpoint, which a build for use must not.

  check_no_failpoints.py --has PROGRAM LIBRARY...

PROGRAM has failpoints: what is looked for must be found there, or the check could never fail.
"""
import argparse
import subprocess
import sys

MARK = b"mr_fp_"


def holds(file):
    names = subprocess.run(["nm", "-a", file], check=True, stdout=subprocess.PIPE).stdout
    sections = subprocess.run(["objdump", "--section-headers", file], check=True,
                              stdout=subprocess.PIPE).stdout
    return MARK in names or MARK in sections


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--has", required=True)
    parser.add_argument("libraries", nargs="+")
    options = parser.parse_args()
    if not holds(options.has):
        sys.exit(f"{options.has} has failpoints, and none was found: this check sees nothing")
    found = [library for library in options.libraries if holds(library)]
    if found:
        sys.exit(f"failpoints in a build for use: {', '.join(found)}")
    print(f"no failpoint in {len(options.libraries)} libraries")


if __name__ == "__main__":
    main()
