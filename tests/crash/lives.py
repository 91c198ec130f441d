"""Lives of the crash worker: one process from its start to its death, and what is checked after it."""

import os
import shutil
import signal
import struct
import subprocess
import time

from journal import Journal
from oracle import Oracle, Violation
from power import PowerCut

APPLICATION = "crash"


class Failure(Exception):
    pass


class Programs:
    """What the build made: the worker, the disk under it, and what reads its stores."""

    def __init__(self, folder):
        self.worker = os.path.join(folder, "crash_worker")
        self.dump = os.path.join(folder, "crash_dump")
        self.disk = os.path.join(folder, "libcrash_disk.so")


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

    def __init__(self, programs, folder, sites, random, *, seed):
        self.programs, self.sites, self.random, self.seed = programs, sites, random, seed
        self.folder = folder
        self.root = os.path.join(folder, "app")
        os.makedirs(self.root)
        self.journal = Journal(os.path.join(self.root, "journal"))
        self.oracle = Oracle(APPLICATION)
        self.acknowledged = 0
        self.deaths = {}
        self.unsynced = 0
        self.last_said = ""
        self.on_disk = {}   # (store, partition) -> changelog offset that lies on disk, as the last death left it
        self.looked = 0     # how often the stores were compared
        self.damaged = 0    # directories of stores that a failed sync and a power cut made unreadable
        self.replayed = 0   # changelog records that came again, in all

    def start(self, *arguments, failpoints="", threads=None, churn=None, **environment):
        if self.random.random() < 0.4:  # small batches go the way of large ones
            failpoints = ",".join(filter(None, ["ingest.choose=error(EIO):p=1/2", failpoints]))
        environment = {**os.environ, "MILLRACE_FAILPOINTS": failpoints, "MILLRACE_FAILPOINTS_HITS": self.sites.file,
                       "MILLRACE_FAILPOINTS_SEED": str(self.random.randrange(1 << 32)), **environment}
        self.sites.lives += 1
        threads = threads or self.random.choice([1, 2, 2, 3, 4])
        churn = self.random.choice([0, 0, 0, 40]) if churn is None else churn
        # A failed sync fills a file early.
        if "CRASH_DISK_SYNC" not in environment and "file." not in failpoints:
            arguments = [*arguments, *self._cleaning()]
        with open(self.path("out"), "wb") as out, open(self.path("err"), "wb") as err:
            return subprocess.Popen([self.programs.worker, "--dir", self.root, "--seed", str(self.seed), "--threads", str(threads), "--churn-ms", str(churn), *arguments],
                                    stdout=out, stderr=err, env=environment)

    def _cleaning(self):
        """In some lives the log is cleaned all the time. Only where none of its files can be filled meanwhile, and
        cleaned before the oracle has read it: a copy does not say what was committed together."""
        segments = self.journal.segments() if os.path.isdir(self.journal.directory) else []
        if len(segments) < 2 or self.random.random() < 0.6:
            return []
        last = os.path.getsize(os.path.join(self.journal.directory, segments[-1]))
        return ["--cleaner-ms", "10", "--feed-ms", "40"] if last < 600_000 else []

    def path(self, name):
        return os.path.join(self.folder, name)

    def said(self):
        with open(self.path("out"), encoding="utf-8") as out:
            lines = out.read().split("\n")[:-1]
        for line in lines:
            if line.startswith("fed "):
                self.acknowledged = max(self.acknowledged, int(line[4:]) + 1)
            elif line.startswith("restores "):
                self._replays(*line.split()[1:])
        with open(self.path("err"), encoding="utf-8", errors="replace") as err:
            self.last_said = err.read()
        return lines

    def _replays(self, store, partition, start):
        partition, start = int(partition), int(start)
        if start <= self.on_disk.get((store, partition), -1):
            raise Violation("I11", f"{store}-{partition}", f"is replayed from offset {start}, and "
                            f"{self.on_disk[store, partition]} was on disk")
        self.replayed += self.oracle.behind(store, partition, start - 1)

    def disks(self, *, may_be_damaged=False):
        """(store, partition) -> (changelog offset, {changelog key: (value, timestamp)}), from RocksDB's files."""
        state = os.path.join(self.root, "state", APPLICATION)
        found = {}
        if not os.path.isdir(state):
            return found
        done = subprocess.run([self.programs.dump, state], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Violation("I5", "disk", f"the stores cannot be read: {done.stderr}")
        for line in done.stdout.splitlines():
            what, task, store, *rest = line.split(" ")
            if what == "damaged":
                if not may_be_damaged:
                    raise Violation("I5", f"disk of task {task}", "cannot be read: " + " ".join([store, *rest]))
                self.damaged += 1
                continue
            offset, entries = found.setdefault((store, int(task.rsplit("-", 1)[1])), [-1, {}])
            if what == "offset":
                found[store, int(task.rsplit("-", 1)[1])][0] = int(rest[0])
                continue
            key, value = (b"" if text == "-" else bytes.fromhex(text) for text in (rest[0], rest[2]))
            if store == "product-counts":  # start and key on disk; key, start and a number in the changelog
                key = key[8:] + key[:8] + bytes(4)
            elif store == "open-sessions":  # segment, key, two zeros, end, start; without the first and the zeros
                key = key[8:-18] + key[-16:]
            entries[key] = value, int(rest[1])
        return {where: tuple(disk) for where, disk in found.items()}

    def compare_disks(self, *, forward):
        """forward: what was on disk before is there still. Otherwise it may also be damaged; then the next life
        says so, and restores it."""
        disks = self.disks(may_be_damaged=not forward)
        self.oracle.check_prefix(disks)
        self.looked += bool(disks)
        for where, offset in self.on_disk.items():
            if forward and disks.get(where, (-1,))[0] < offset:
                raise Violation("I6", f"disk of {where}", f"went back from offset {offset} to {disks.get(where)}")
        self.on_disk = {where: offset for where, (offset, _) in disks.items()}

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
        # What happens seldom is brought about: an orderly end, threads that come and go, transactions that wait
        # for each other.
        arguments = ["--until", str(self.oracle.fed + 10)] if order.startswith("drain.") else []
        options = {"churn": 30} if order.startswith("revoke.") else {}
        failpoints = order
        if self.random.random() < 0.2 or order.startswith("log.park"):
            failpoints = ",".join(filter(None, ["commit.before=delay(60):p=1/4", order]))
            options["threads"] = 4
        how = self.end(self.start(*arguments, failpoints=failpoints, **options),
                       self._patience(order))
        self.after_death(how, order)
        self.compare_disks(forward=True)

    def _patience(self, order):
        """How long a life may be, in seconds. What was committed reaches the disk a second later."""
        if order.startswith(("apply.", "ingest.")):
            return 2.5
        return 1.0 if order else self.random.choice([self.random.uniform(0.005, 0.3), self.random.uniform(0.3, 1.6)])

    def power_cut_once(self):
        """A life that ends with the power; sometimes a sync failed before."""
        order = self.random.choice([
            "", f"log.append.after=kill:after={self.random.randint(1, 60)}",
            self.sites.order_to_kill(self.random, ("log.", "segment.", "place.", "file.", "commit.", "apply.", "ingest.", "state."))])
        environment = {}
        if self.random.random() < 0.2:
            environment["CRASH_DISK_SYNC"] = str(self.random.randint(1, 60))
        elif self.random.random() < 0.3:
            environment["CRASH_DISK_STATE_SYNC"] = str(self.random.randint(1, 40))
        if self.random.random() < 0.4:  # the power often goes between a write and its sync
            order = ",".join(filter(None, ["log.append.after=delay(10):p=1/3", order]))
        how = self.live_until_power_cut(order, **environment)
        # A sync that fails while files are opened or begun ends the work, with its reason.
        stopped = how == 1 and environment and "Input/output error" in self.said()[-1]
        self.after_death("stopped" if stopped else how, order)
        self.compare_disks(forward="CRASH_DISK_STATE_SYNC" not in environment)

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
        how = self.end(self.start(*arguments, failpoints=order, LD_PRELOAD=self.programs.disk, CRASH_DISK_ROOT=self.root,
                                  CRASH_DISK_TRACE=trace, **environment), self._patience(order))
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
            environment = {"LD_PRELOAD": self.programs.disk, "CRASH_DISK_ROOT": self.root,
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
        if how not in ("failpoint", "instant", "stopped") and not (how == 0 and lines[-1:] == ["done"]):
            raise Failure(f"the worker ended by itself ({how}) at {order or 'no failpoint'}: {lines[-1:]}\n{self.last_said[-2000:]}")
        how = {"failpoint": "at a failpoint", "instant": "at an instant", "stopped": "after a failed sync", 0: "at its own end"}[how]
        self.deaths[how] = self.deaths.get(how, 0) + 1
        self.look()

    def look(self):
        if os.path.isdir(self.journal.directory):
            for frame in self.journal.frames():
                self.oracle.take(frame)
        self.oracle.check_acknowledged(self.acknowledged)

    def finish(self, *arguments, more=20, seconds=120, **environment):
        """A last life that is not killed: it must come to its end, and everything must be right."""
        until = self.oracle.fed + more
        began = time.monotonic()
        how = self.end(self.start("--until", str(until), *arguments, **environment), seconds)
        lines = self.said()
        if how != 0 or lines[-1:] != ["done"]:
            raise Failure(f"the last life did not come to its end in {time.monotonic() - began:.0f} s ({how}): "
                          f"{lines[-1:]}\n{self.last_said[-2000:]}")
        self.look()
        self.oracle.check_complete()
        contents = self.journal.contents()
        self.oracle.check_contents(contents)
        self.oracle.check_fold({(store, p): contents.get((f"{APPLICATION}-{store}-changelog", p), [])
                                for store, p in self.oracle.stores()})
        self.compare_disks(forward=True)
        disks = self.disks()
        if disks:
            self.oracle.check_disk({where: entries for where, (_, entries) in disks.items()})
