"""Lives of the crash worker: one process from its start to its death, and what is checked after it."""

import os
import shutil
import signal
import struct
import subprocess
import time

from journal import Journal
from oracle import Oracle
from power import PowerCut

APPLICATION = "crash"


class Failure(Exception):
    pass


class Sites:
    """The failpoints of the worker, how often they were hit and how often they killed."""

    def __init__(self, worker, folder):
        self.names = subprocess.run([worker, "--sites"], check=True, text=True, stdout=subprocess.PIPE).stdout.split()
        self.file = os.path.join(folder, "hits")
        self.lives = 0

    def counts(self):
        counts = {name: (0, 0) for name in self.names}
        if os.path.exists(self.file):
            with open(self.file, "rb") as file:
                for name, hits, acted in struct.iter_unpack("<48sQQ", file.read()):
                    counts[name.rstrip(b"\0").decode()] = hits, acted
        return counts

    def order_to_kill(self, random, among=("",)):
        """A site that has killed seldom so far, and one of the hits that a life has of it. So rare sites
        are killed at their first hits, common ones anywhere in thousands."""
        counts = self.counts()
        names = [name for name in self.names if name.startswith(tuple(among))]
        weights = [1 / (1 + counts[name][1]) for name in names]
        name, = random.choices(names, weights)
        return f"{name}=kill" + self._one_of_its_hits(random, counts[name][0])

    def order_to_fail(self, random):
        """One of the operations on a file fails once: there is no room, or the disk is broken."""
        name = random.choice([name for name in self.names if name.startswith("file.")])
        code = random.choice(["ENOSPC", "EDQUOT", "EIO"])
        return f"{name}=error({code}):once" + self._one_of_its_hits(random, self.counts()[name][0])

    def _one_of_its_hits(self, random, hits):
        usual = hits / max(1, self.lives)
        after = random.randint(0, int(usual * 1.2)) if usual > 1 else 0
        return f":after={after}" if after else ""


class Lives:
    """One directory, lived in again and again. The oracle looks at it after every death."""

    def __init__(self, worker, folder, sites, random, *, seed, disk=None):
        self.worker, self.sites, self.random, self.seed, self.disk = worker, sites, random, seed, disk
        self.folder = folder
        self.root = os.path.join(folder, "app")
        os.makedirs(self.root)
        self.journal = Journal(os.path.join(self.root, "journal"))
        self.oracle = Oracle(APPLICATION)
        self.acknowledged = 0
        self.deaths = {}
        self.unsynced = 0
        self.last_said = ""

    def start(self, *arguments, failpoints="", **environment):
        environment = {**os.environ, "MILLRACE_FAILPOINTS": failpoints, "MILLRACE_FAILPOINTS_HITS": self.sites.file,
                       "MILLRACE_FAILPOINTS_SEED": str(self.random.randrange(1 << 32)), **environment}
        self.sites.lives += 1
        threads = str(self.random.choice([1, 2, 2, 3, 4]))
        with open(self.path("out"), "wb") as out, open(self.path("err"), "wb") as err:
            return subprocess.Popen([self.worker, "--dir", self.root, "--seed", str(self.seed), "--threads", threads,
                                     *arguments],
                                    stdout=out, stderr=err, env=environment)

    def path(self, name):
        return os.path.join(self.folder, name)

    def said(self):
        with open(self.path("out"), encoding="utf-8") as out:
            lines = out.read().split("\n")[:-1]
        for line in lines:
            if line.startswith("fed "):
                self.acknowledged = max(self.acknowledged, int(line[4:]) + 1)
        with open(self.path("err"), encoding="utf-8", errors="replace") as err:
            self.last_said = err.read()
        return lines

    def end(self, process, seconds):
        """Returns how it died: by itself, at a failpoint, or killed here after so many seconds."""
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return "instant"
        return "failpoint" if code == -signal.SIGKILL else code

    def kill_once(self):
        """A life that ends at a failpoint or at a random instant."""
        order = self.sites.order_to_kill(self.random) if self.random.random() < 0.7 else ""
        # What only an orderly end does is killed there.
        arguments = ["--until", str(self.oracle.fed + 10)] if order.startswith("drain.") else []
        failpoints = order
        if self.random.random() < 0.2 or order.startswith("log.park"):  # transactions wait for each other
            failpoints = ",".join(filter(None, ["commit.before=delay(60):p=1/4", order]))
        how = self.end(self.start(*arguments, failpoints=failpoints), 1.0 if order else self.random.uniform(0.005, 0.3))
        self.after_death(how, order)

    def power_cut_once(self):
        """A life that ends with the power; sometimes a sync failed before."""
        order = (self.sites.order_to_kill(self.random, ("log.", "segment.", "place.", "file.", "commit."))
                 if self.random.random() < 0.7 else "")
        environment = {}
        if self.random.random() < 0.2:
            environment["CRASH_DISK_SYNC"] = str(self.random.randint(1, 60))
        if self.random.random() < 0.4:  # the power often goes between a write and its sync
            order = ",".join(filter(None, ["log.append.after=delay(10):p=1/3", order]))
        how = self.live_until_power_cut(order, **environment)
        self.after_death(how, order)

    def power_cut_without_syncs(self):
        """The control: a log that does not sync must lose what it acknowledged, and the oracle see it."""
        self.live_until_power_cut("", "--sync", "off")
        self.look()

    def live_until_power_cut(self, order, *arguments, **environment):
        before, trace = self.path("before"), self.path("trace")
        shutil.rmtree(before, ignore_errors=True)
        shutil.copytree(self.root, before)
        if os.path.exists(trace):
            os.unlink(trace)
        how = self.end(self.start(*arguments, failpoints=order, LD_PRELOAD=self.disk, CRASH_DISK_ROOT=self.root,
                                  CRASH_DISK_TRACE=trace, **environment),
                       1.0 if order else self.random.uniform(0.05, 0.4))
        self.said()
        cut = PowerCut(self.root, before, trace, self.random)
        self.unsynced += cut.unsynced()
        cut.apply()
        return how

    def disk_trouble_once(self):
        """A life in which the disk is full for a while or an operation on a file fails. It goes on and
        comes to its end; or it stops and says what the disk said, and the next life goes on."""
        environment, order = {}, ""
        if self.random.random() < 0.5:
            environment = {"LD_PRELOAD": self.disk, "CRASH_DISK_ROOT": self.root,
                           "CRASH_DISK_FULL": f"{self.random.randint(0, 60_000)}:{self.random.randint(1, 2)}"}
        else:
            order = self.sites.order_to_fail(self.random)
        how = self.end(self.start("--until", str(self.oracle.fed + 10), failpoints=order, **environment), 60)
        lines = self.said()
        outcome = "went on"
        if how != 0 or lines[-1:] != ["done"]:
            outcome = "stopped and said why"
            told = self.last_said + "\n".join(lines)
            causes = ("No space left on device", "Disk quota exceeded", "Input/output error")
            if how != 1 or not any(cause in told for cause in causes):
                raise Failure(f"it neither came to its end nor said what the disk said ({how}, {order or environment}): "
                              f"{lines[-1:]}\n{told[-2000:]}")
        self.deaths[outcome] = self.deaths.get(outcome, 0) + 1
        self.look()

    def after_death(self, how, order):
        lines = self.said()
        if how not in ("failpoint", "instant") and not (how == 0 and lines[-1:] == ["done"]):
            raise Failure(f"the worker ended by itself ({how}) at {order or 'no failpoint'}: {lines[-1:]}\n{self.last_said[-2000:]}")
        how = {"failpoint": "at a failpoint", "instant": "at an instant", 0: "at its own end"}[how]
        self.deaths[how] = self.deaths.get(how, 0) + 1
        self.look()

    def look(self):
        if os.path.isdir(self.journal.directory):
            for frame in self.journal.frames():
                self.oracle.take(frame)
        self.oracle.check_acknowledged(self.acknowledged)

    def finish(self, more=20, seconds=120, **environment):
        """A last life that is not killed: it must come to its end, and everything must be right."""
        until = self.oracle.fed + more
        began = time.monotonic()
        how = self.end(self.start("--until", str(until), **environment), seconds)
        lines = self.said()
        if how != 0 or lines[-1:] != ["done"]:
            raise Failure(f"the last life did not come to its end in {time.monotonic() - began:.0f} s ({how}): "
                          f"{lines[-1:]}\n{self.last_said[-2000:]}")
        self.look()
        self.oracle.check_complete()
        self.oracle.check_fold(self.changelogs())

    def changelogs(self):
        """(store, partition) -> what a reader can read of its changelog now, from the files."""
        found = {key: [] for key in self.oracle.stores()}
        journal = Journal(self.journal.directory)
        for frame in journal.frames():
            for (topic, p), records in frame.batches.items():
                store = topic.removeprefix(f"{APPLICATION}-").removesuffix("-changelog")
                if (store, p) in found and topic.endswith("-changelog"):
                    found[store, p].extend(records)
        for (store, p), records in found.items():
            start = journal.start(f"{APPLICATION}-{store}-changelog", p)
            found[store, p] = [record for record in records if record.offset >= start]
        return found
