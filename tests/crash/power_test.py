#!/usr/bin/env python3
"""The simulated power cut: what was synced is there after every cut, what was not is sometimes there,
sometimes not, and sometimes torn. The program that is watched is a Python of our own."""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

from power import PowerCut

DISK = None


class PowerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.root = os.path.join(self.folder, "root")
        os.mkdir(self.root)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_program(self, program, **environment):
        trace = os.path.join(self.folder, "trace")
        before = os.path.join(self.folder, "before")
        if os.path.exists(trace):
            os.unlink(trace)
        shutil.rmtree(before, ignore_errors=True)
        shutil.copytree(self.root, before)
        done = subprocess.run([sys.executable, "-c", PRELUDE + program, self.root], text=True, stdout=subprocess.PIPE,
                              env={**os.environ, "LD_PRELOAD": DISK, "CRASH_DISK_ROOT": self.root,
                                   "CRASH_DISK_TRACE": trace, **environment})
        self.assertEqual(done.returncode, 0, done.stdout)
        shutil.copytree(self.root, os.path.join(self.folder, "after"), dirs_exist_ok=True)
        return lambda seed: PowerCut(self.root, before, trace, random.Random(seed)).apply()

    def outcomes(self, cut, look, cuts=100):
        found = set()
        for seed in range(cuts):
            shutil.rmtree(self.root)
            shutil.copytree(os.path.join(self.folder, "after"), self.root)
            cut(seed)
            found.add(look())
        return found

    def content(self, name):
        path = os.path.join(self.root, name)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read()

    def test_synced_bytes_stay_and_others_may_be_torn(self):
        cut = self.run_program("""
f = make("a"); write(f, b"x" * 600); os.fdatasync(f); sync_folder(); write(f, b"y" * 2000)
""")
        found = self.outcomes(cut, lambda: self.content("a"))
        self.assertTrue(all(content.startswith(b"x" * 600) for content in found))
        self.assertIn(b"x" * 600, found)
        self.assertIn(b"x" * 600 + b"y" * 2000, found)
        self.assertTrue(any(b"\0" in content and b"y" in content for content in found), "a mixture of sectors")
        self.assertGreater(len({len(content) for content in found}), 2, "torn at several lengths")

    def test_a_name_needs_the_sync_of_its_folder(self):
        cut = self.run_program("""
f = make("a"); write(f, b"x"); os.fsync(f)
""")
        self.assertEqual(self.outcomes(cut, lambda: self.content("a")), {None, b"x"})

    def test_a_synced_rename_is_whole_and_an_unsynced_one_is_either(self):
        cut = self.run_program("""
f = make("a.new"); write(f, b"1"); os.fsync(f); os.rename(root + "/a.new", root + "/a"); sync_folder()
f = make("a.new"); write(f, b"2"); os.fsync(f); os.rename(root + "/a.new", root + "/a")
""")
        self.assertEqual(self.outcomes(cut, lambda: self.content("a")), {b"1", b"2"})

    def test_what_lay_there_before_is_the_ground(self):
        with open(os.path.join(self.root, "a"), "wb") as file:
            file.write(b"before")
        with open(os.path.join(self.root, "b"), "wb") as file:
            file.write(b"untouched")
        cut = self.run_program("""
f = os.open(root + "/a", os.O_WRONLY | os.O_APPEND); write(f, b"+1"); os.fdatasync(f); write(f, b"+2")
""")
        found = self.outcomes(cut, lambda: (self.content("a"), self.content("b")))
        self.assertTrue(all(a.startswith(b"before+1") and b == b"untouched" for a, b in found))
        self.assertIn((b"before+1", b"untouched"), found)

    def test_a_failed_sync_is_not_mended_by_the_next(self):
        cut = self.run_program("""
f = make("a"); sync_folder()
write(f, b"1" * 512)
try:
    os.fdatasync(f); sys.exit("it did not fail")
except OSError:
    pass
write(f, b"2" * 512); os.fdatasync(f)
""", CRASH_DISK_SYNC="1")
        found = self.outcomes(cut, lambda: self.content("a"))
        self.assertIn(b"\0" * 512 + b"2" * 512, found)
        self.assertIn(b"1" * 512 + b"2" * 512, found)

    def test_a_full_disk_writes_half_fails_and_has_room_again(self):
        cut = self.run_program("""
f = make("a"); sync_folder()
assert os.write(f, b"1" * 100) == 100
assert os.write(f, b"2" * 100) == 50
for _ in range(2):
    try:
        os.write(f, b"2" * 50); sys.exit("there was room")
    except OSError as error:
        assert error.errno == 28
assert os.write(f, b"3" * 50) == 50
os.fdatasync(f)
""", CRASH_DISK_FULL="150:2")
        self.assertEqual(self.outcomes(cut, lambda: self.content("a"), 5),
                         {b"1" * 100 + b"2" * 50 + b"3" * 50})

    def test_removed_and_linked_files(self):
        cut = self.run_program("""
f = make("a"); write(f, b"x"); os.fsync(f); sync_folder()
os.mkdir(root + "/d"); os.link(root + "/a", root + "/d/a"); sync_folder(); sync_folder("/d"); os.unlink(root + "/a")
""")
        found = self.outcomes(cut, lambda: (self.content("a"), self.content("d/a")))
        self.assertEqual(found, {(b"x", b"x"), (None, b"x")})


PRELUDE = """
import os, sys
root = sys.argv[1]
def make(name): return os.open(root + "/" + name, os.O_CREAT | os.O_WRONLY, 0o600)
def write(f, data):
    assert os.write(f, data) == len(data)
def sync_folder(name=""):
    f = os.open(root + name, os.O_RDONLY); os.fsync(f); os.close(f)
"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--disk", required=True)
    options, rest = parser.parse_known_args()
    DISK = options.disk
    unittest.main(argv=sys.argv[:1] + rest)
