#!/usr/bin/env python3
"""Programs outside of this tree build and run against millrace: by find_package and pkg-config from
an installation, and by add_subdirectory."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*command, **options):
    print("+", shlex.join(map(str, command)), flush=True)
    return subprocess.run(list(map(str, command)), check=True, text=True, **options)


def expect(kind, program):
    said = run(program, stdout=subprocess.PIPE).stdout
    print(said, end="")
    if said != f"client of {kind} ran: orders-3\n":
        sys.exit(f"{kind}: the client did not say what it should")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="a finished build of millrace")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--launcher", default="")
    options = parser.parse_args()

    scratch = options.build / "package"
    shutil.rmtree(scratch, ignore_errors=True)
    prefix = scratch / "prefix"
    run("cmake", "--install", options.build, "--prefix", prefix, stdout=subprocess.DEVNULL)

    # The flags of the top build, so that ccache knows every file.
    common = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
              f"-DCMAKE_CXX_COMPILER={options.compiler}", f"-DCMAKE_CXX_COMPILER_LAUNCHER={options.launcher}"]
    for kind, more in (("find_package", [f"-DCMAKE_PREFIX_PATH={prefix}"]),
                       ("add_subdirectory", ["-DMILLRACE_WERROR=ON", "-DCMAKE_CXX_EXTENSIONS=OFF"])):
        run("cmake", "-S", HERE / kind, "-B", scratch / kind, *common, *more, stdout=subprocess.DEVNULL)
        run("cmake", "--build", scratch / kind, stdout=subprocess.DEVNULL)
        expect(kind, scratch / kind / "client")

    library = next(prefix.rglob("libmillrace.a")).parent
    # All are named, because --static would also ask for the libraries that they are made of.
    flags = run("pkg-config", "--cflags", "--libs", "millrace", "rdkafka", "rocksdb", stdout=subprocess.PIPE,
                env={**os.environ, "PKG_CONFIG_PATH": str(library / "pkgconfig")}).stdout
    program = scratch / "pkg_config_client"
    run(options.compiler, "-std=c++20", '-DCLIENT_OF="pkg-config"', HERE / "client.cc", "-o", program,
        *shlex.split(flags), "-pthread")
    expect("pkg-config", program)


if __name__ == "__main__":
    main()
