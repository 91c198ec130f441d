"""The replay oracle: reads what the log holds, computes all of it again with reference.py, in the order
that the tasks wrote down, and compares record by record, both ways, frame by frame: a frame is a commit.

What it finds has the name of the invariant that is broken:

  I0  acknowledged input is there, whole, once
  I1  outputs are exactly what the input gives: nothing lost, doubled, swapped or changed
  I2  at the end everything was processed
  I3  a commit's outputs, changelogs and offsets are visible together or not at all
  I4  the changelog's fold is the state
  I5  a store on disk holds at least the fold up to its own offset; after a replay, exactly the fold
  I6  committed offsets never go back
  I9  every record read was processed or skipped for a reason, once
  I11 after a kill no more is replayed than what was not on disk yet
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b

from reference import FAILS_IN_JOIN, FAILS_IN_SESSIONS, PARTITIONS, Counting, Joining, Made, fails, partition_of

INPUTS = ("orders", "customers")
REPARTITION = "by-product"
CONTEXT = 20


class Violation(Exception):
    def __init__(self, invariant, where, text):
        super().__init__(f"{invariant} {where}: {text}")
        self.invariant = invariant


@dataclass
class Record:
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int

    def content(self):
        return self.key, self.value, self.timestamp


@dataclass
class Frame:
    """What transactions that ended together, or one order to the log, added."""
    number: int
    batches: dict = field(default_factory=dict)  # (topic, partition) -> [Record], visible from here on
    offsets: dict = field(default_factory=dict)  # (group, topic, partition) -> next offset
    by_number: dict = field(default_factory=dict)  # as batches, by the topic's number
    # Committed by this frame, visible by a later one that brings them to their places.
    parked: dict = field(default_factory=dict)  # (topic, partition) -> [Record]


def shown(content):
    if content is None:
        return "nothing"
    key, value, timestamp = content
    return f"key={key} value={value} time={timestamp}"


def compare(invariant, where, expected, actual):
    """Both lists of (key, value, timestamp), in order, both ways."""
    if expected == actual:
        return
    longest = max(len(expected), len(actual))
    at = next(i for i in range(longest) if expected[i:i + 1] != actual[i:i + 1])
    lines = [f"record {at} of this commit differs ({len(expected)} expected, {len(actual)} there)"]
    for i in range(max(0, at - CONTEXT // 2), min(longest, at + CONTEXT // 2)):
        mark = "->" if i == at else "  "
        lines.append(f"  {mark} {i}: expected {shown(expected[i] if i < len(expected) else None)}")
        if expected[i:i + 1] != actual[i:i + 1]:
            lines.append(f"        there    {shown(actual[i] if i < len(actual) else None)}")
    raise Violation(invariant, where, "\n".join(lines))


class Oracle:
    def __init__(self, application="crash", records_per_transaction=10):
        self.application = application
        self.per_transaction = records_per_transaction
        self.frames = 0
        self.fed = 0
        self.records = {"fed": 0, "skipped": 0, "dead": 0, "out": 0, "changelog": 0}
        self.commits = 0
        self.inputs = {(t, p): deque() for t in INPUTS for p in range(PARTITIONS)}
        self.source_of = {}  # number of an order on its way -> partition that it came from
        self.on_the_way = {(p, q): deque() for p in range(PARTITIONS) for q in range(PARTITIONS)}
        self.repartitioned = [deque() for _ in range(PARTITIONS)]
        self.joining = [Joining() for _ in range(PARTITIONS)]
        self.counting = [Counting() for _ in range(PARTITIONS)]
        self.parked = set()  # (topic, partition, offset) that were committed and are not visible yet
        self.seen = {}  # (topic, partition) -> digest of all that became visible, of inputs and outputs
        self.changes = {}  # (store, partition) -> {key: [(offset, content)]}, of the whole changelog
        self.dead = {}  # (store, partition) -> as changes, of windows and sessions that are over
        self.committed = {}
        self.ends = {}  # of topics that are read: behind the last record

    # --- one frame --------------------------------------------------------------------------------

    def take(self, frame):
        self.frames += 1
        committed = self._committed_by(frame)
        offsets = self._offsets_of(frame)
        if offsets:
            self.commits += 1
        expected = {}  # (topic, partition) -> [content], of outputs
        touched = {}   # (store, partition) -> {key: (value, timestamp)}
        emitted = []   # (p, q, content)
        dead = []      # content of records that failed
        for p in range(PARTITIONS):
            self._join(p, frame, committed, offsets, expected, touched, emitted, dead)
            self._count(p, frame, committed, offsets, expected, touched, dead)
        self._compare_dead(frame, committed, dead)
        self._compare_outputs(frame, committed, expected)
        self._compare_repartition(frame, committed, emitted)
        self._compare_changelogs(frame, committed, touched)
        # Last: nobody can have read it before this frame was there.
        self._take_input(frame, committed)

    def _committed_by(self, frame):
        """(topic, partition) -> [Record] of the transactions that this frame commits."""
        committed = {key: list(records) for key, records in frame.parked.items()}
        for (topic, p), records in frame.batches.items():
            new = [r for r in records if (topic, p, r.offset) not in self.parked]
            self.parked.difference_update((topic, p, r.offset) for r in records)
            if not topic.startswith(self.application):
                self._digest(self.seen.setdefault((topic, p), blake2b()), records)
            if new:
                committed[topic, p] = sorted(committed.get((topic, p), []) + new, key=lambda r: r.offset)
            if topic == self._full(REPARTITION):
                self.repartitioned[p].extend(records)
                if records:
                    self.ends[topic, p] = records[-1].offset + 1
        for (topic, p), records in frame.parked.items():
            self.parked.update((topic, p, r.offset) for r in records)
        return committed

    @staticmethod
    def _digest(digest, records):
        for record in records:
            digest.update(repr((record.offset, record.content())).encode())
        return digest

    def check_contents(self, contents):
        """contents: (topic, partition) -> [Record], what can be read now: all that ever became visible."""
        for where, digest in self.seen.items():
            if self._digest(blake2b(), contents.get(where, [])).digest() != digest.digest():
                raise Violation("I1", f"{where[0]}-{where[1]}", "does not hold any more what was in it before")

    def _full(self, topic):
        return f"{self.application}-{topic}-repartition" if topic == REPARTITION else topic

    def _offsets_of(self, frame):
        offsets = {}
        for (group, topic, partition), offset in frame.offsets.items():
            if group != self.application:
                continue
            before = self.committed.get((topic, partition), 0)
            if offset < before:
                raise Violation("I6", f"{topic}-{partition}",
                                f"frame {frame.number} takes the committed offset back from {before} to {offset}")
            self.committed[topic, partition] = offset
            offsets[topic, partition] = offset
        return offsets

    def _take_input(self, frame, committed):
        where = f"frame {frame.number}"
        feed = committed.get(("feed", 0), [])
        count = sum(len(records) for (topic, _), records in committed.items() if topic in INPUTS)
        if not feed and not count:
            return
        if len(feed) != 1 or count != self.per_transaction:
            raise Violation("I3", where, f"a transaction of input shows {count} of {self.per_transaction} "
                            f"records and {len(feed)} of 1 entries of its number")
        if feed[0].value != str(self.fed).encode():
            raise Violation("I0", where, f"transaction {self.fed} of the input should come, there is {feed[0].value}")
        first = self.fed * self.per_transaction
        for (topic, partition), records in committed.items():
            if topic not in INPUTS:
                continue
            for record in records:
                number = self._number(topic, record)
                if number is not None and not first <= number < first + self.per_transaction:
                    raise Violation("I0", f"{topic}-{partition}@{record.offset}",
                                    f"record {number} among {first} to {first + self.per_transaction - 1}")
                self.inputs[topic, partition].append(record)
                self.ends[topic, partition] = record.offset + 1
        self.fed += 1
        self.records["fed"] += count

    @staticmethod
    def _number(topic, record):
        if record.value is None:
            return None
        text = record.value[1:] if topic == "customers" else record.value.split(b"|")[0]
        if not text.isdigit():
            raise Violation("I3", f"{topic}@{record.offset}", "a record of an aborted transaction is visible")
        return int(text)

    def _consumed(self, topic, partition, offsets):
        """Records of this input that the commit says were processed, those without a key counted."""
        queue = self.inputs[topic, partition]
        taken = []
        while queue and queue[0].offset < offsets.get((topic, partition), 0):
            record = queue.popleft()
            if record.key is None:
                self.records["skipped"] += 1
            else:
                taken.append(record)
        return deque(taken)

    def _join(self, p, frame, committed, offsets, expected, touched, emitted, dead):
        """What task p of the first half made of its input, in the order that `taken` says."""
        consumed = self._consumed("orders", p, offsets)
        orders = deque(record for record in consumed if not fails(record.value, FAILS_IN_JOIN))
        dead += [record.content() for record in consumed if fails(record.value, FAILS_IN_JOIN)]
        customers = self._consumed("customers", p, offsets)
        there = committed.get(("taken", p), [])
        if there and ("orders", p) not in offsets and ("customers", p) not in offsets:
            raise Violation("I3", f"taken-{p}", f"frame {frame.number} shows records as processed and does not "
                            "commit their offsets")
        if (orders or customers) and not there:
            raise Violation("I3", f"taken-{p}", f"frame {frame.number} commits {len(orders) + len(customers)} "
                            "records as processed and shows nothing of it")
        made = Made()
        task = self.joining[p]
        for record in there:
            queue = orders if record.value.startswith(b"o|") else customers
            if not queue:
                raise Violation("I9", f"taken-{p}@{record.offset}",
                                "was processed and is not among the records that this commit took: "
                                + shown(record.content()))
            taken = queue.popleft()
            if queue is orders:
                number = int(taken.value.split(b"|")[0])
                self.source_of[number] = p
                before = len(made.outputs.get(REPARTITION, ()))
                task.order(taken.key, taken.value, taken.timestamp, made)
                content = made.outputs[REPARTITION][before]
                emitted.append((p, partition_of(content[0]), content))
            else:
                task.customer(taken.key, taken.value, taken.timestamp, made)
        left = orders or customers
        if left:
            raise Violation("I9", f"taken-{p}", f"frame {frame.number} commits {len(left)} records that were not "
                            f"processed, the first: {shown(left[0].content())}")
        expected["taken", p] = made.outputs.get("taken", [])
        for store in task.STORES:
            touched[store, p] = made.changes(store)

    def _count(self, q, frame, committed, offsets, expected, touched, dead):
        """What task q of the second half made of the records that it says arrived."""
        there = committed.get(("arrived", q), [])
        if there and (self._full(REPARTITION), q) not in offsets:
            raise Violation("I3", f"arrived-{q}", f"frame {frame.number} shows records as processed and does not "
                            "commit their offsets")
        waiting = self.repartitioned[q]
        known = []
        while waiting and waiting[0].offset < offsets.get((self._full(REPARTITION), q), 0):
            content = waiting.popleft().content()
            if not fails(content[1], FAILS_IN_SESSIONS):
                known.append(content)
                continue
            dead.append(content)
            self.on_the_way[self.source_of.pop(int(content[1].split(b"|")[0])), q].remove(content)
        if known and not there:
            raise Violation("I3", f"arrived-{q}", f"frame {frame.number} commits {len(known)} records as processed "
                            "and shows nothing of it")
        made = Made()
        task = self.counting[q]
        for record in there:
            number = int(record.value.split(b"|")[0])
            source = self.source_of.pop(number, None)
            queue = self.on_the_way.get((source, q))
            if not queue:
                raise Violation("I1", f"arrived-{q}@{record.offset}",
                                "is not on its way here, or was here before: " + shown(record.content()))
            task.arrived(*queue.popleft(), made)
        # The punctuation that the last record made due may belong to the next commit.
        told = len(committed.get(("visits", q), []))
        if told > len(made.outputs.get("visits", [])):
            task.tell_visits_if_due(made)
        if known or there:
            compare("I9", f"arrived-{q}, frame {frame.number}", known,
                    [record.content() for record in there])
        for topic in ("arrived", "totals", "counts", "visits", "sessions"):
            expected[topic, q] = made.outputs.get(topic, [])
        for store in task.STORES:
            touched[store, q] = made.changes(store)

    def _compare_outputs(self, frame, committed, expected):
        for (topic, partition), contents in expected.items():
            there = committed.get((topic, partition), [])
            where = f"{topic}-{partition}, frame {frame.number}"
            if len(contents) > 1 and not there:
                raise Violation("I3", where, f"{len(contents)} records are missing, all of this commit")
            compare("I1", where, contents, [record.content() for record in there])
            self.records["out"] += len(there)

    def _compare_dead(self, frame, committed, dead):
        """A dead letter lies where its key or its source lies, in any order among those of other tasks."""
        there = [record.content() for p in range(PARTITIONS) for record in committed.get(("dead", p), [])]
        compare("I9", f"dead letters, frame {frame.number}", sorted(dead), sorted(there))
        self.records["dead"] += len(there)

    def _compare_repartition(self, frame, committed, emitted):
        """Records of several tasks may lie in any order there, those of one task in its own."""
        topic = self._full(REPARTITION)
        for p, q, content in emitted:
            self.on_the_way[p, q].append(content)
        for q in range(PARTITIONS):
            there = committed.get((topic, q), [])
            expected = {p: [c for source, target, c in emitted if (source, target) == (p, q)]
                        for p in range(PARTITIONS)}
            if not there and sum(map(len, expected.values())) > 1:
                raise Violation("I3", f"{topic}-{q}, frame {frame.number}", "all records of this commit are missing")
            for p in range(PARTITIONS):
                mine = [r.content() for r in there if self.source_of.get(int(r.value.split(b"|")[0])) == p]
                compare("I1", f"{topic}-{q} from task {p}, frame {frame.number}", expected[p], mine)
            strangers = [r for r in there if int(r.value.split(b"|")[0]) not in self.source_of]
            if strangers:
                raise Violation("I1", f"{topic}-{q}@{strangers[0].offset}", "was sent by nobody")

    def _compare_changelogs(self, frame, committed, touched):
        for (store, p), cells in touched.items():
            topic = f"{self.application}-{store}-changelog"
            there = committed.get((topic, p), [])
            where = f"{topic}-{p}, frame {frame.number}"
            if len(cells) > 1 and not there:
                raise Violation("I3", where, f"{len(cells)} changes are missing, all of this commit")
            self.records["changelog"] += len(there)
            keys = [record.key for record in there]
            if len(set(keys)) != len(keys):
                raise Violation("I4", where, "a key was written twice in one commit")
            by_key = lambda item: item[0]
            compare("I4", where, sorted(((k, v, t) for k, (v, t) in cells.items()), key=by_key),
                    sorted((record.content() for record in there), key=by_key))
            changes = self.changes.setdefault((store, p), {})
            for record in there:
                content = None if record.value is None else (record.value, record.timestamp)
                changes.setdefault(record.key, []).append((record.offset, content))

    # --- the whole ---------------------------------------------------------------------------------

    def check_acknowledged(self, transactions):
        if self.fed < transactions:
            raise Violation("I0", "feed", f"{transactions} transactions of input were acknowledged, {self.fed} are there")

    def check_complete(self):
        for (topic, p), queue in self.inputs.items():
            if queue:
                raise Violation("I2", f"{topic}-{p}", f"{len(queue)} records are not processed, the first at "
                                f"offset {queue[0].offset}")
        for (p, q), queue in self.on_the_way.items():
            if queue:
                raise Violation("I2", f"{REPARTITION}-{q}", f"{len(queue)} records of task {p} are not processed")
        for (topic, p), end in self.ends.items():
            if self.committed.get((topic, p), 0) < end:
                raise Violation("I2", f"{topic}-{p}", f"committed up to {self.committed.get((topic, p))} of {end}")

    def stores(self):
        """(store, partition) -> the task that has its state."""
        tasks = {(store, p): task for p, task in enumerate(self.joining) for store in task.STORES}
        tasks.update({(store, p): task for p, task in enumerate(self.counting) for store in task.STORES})
        return tasks

    def check_fold(self, changelogs):
        """changelogs: (store, partition) -> [Record], what can be read from the changelog now."""
        for (store, p), task in self.stores().items():
            fold = {}
            for record in changelogs.get((store, p), []):
                if record.value is None:
                    fold.pop(record.key, None)
                else:
                    fold[record.key] = (record.value, record.timestamp)
            self._compare_state("I4", f"fold of {self.application}-{store}-changelog-{p}", store, task, fold)

    def check_disk(self, disks):
        """disks: (store, partition) -> {changelog key: (value, timestamp)}, after a replay."""
        for (store, p), task in self.stores().items():
            if (store, p) not in disks:
                raise Violation("I5", f"{store}-{p}", "is not on disk")
            self._compare_state("I5", f"disk of {store}-{p}", store, task, disks[store, p])

    def check_prefix(self, disks):
        """disks: (store, partition) -> (offset, {changelog key: (value, timestamp)}), as a death left them: of
        each key the value that the changelog had at the store's own offset, or a later one."""
        tasks = self.stores()
        for (store, p), (offset, entries) in disks.items():
            changes = self.changes.get((store, p), {})
            dead = self.dead.setdefault((store, p), {})
            # What nobody can read any more and no disk holds needs no look every time.
            for key in [key for key in changes if key not in entries and not tasks[store, p].live(store, key)]:
                dead[key] = changes.pop(key)
            for key in changes.keys() | entries.keys():
                history = dead.get(key, []) + changes.get(key, [])
                past = bisect_right(history, offset, key=lambda change: change[0])
                allowed = [history[past - 1][1] if past else None] + [content for _, content in history[past:]]
                if not tasks[store, p].live(store, key):
                    # Nobody can read it any more, so a replay need not bring it up to date.
                    allowed = [None] + [content for _, content in history]
                there = entries.get(key)
                if there not in allowed:
                    raise Violation("I5", f"disk of {store}-{p}", f"key {key}: there is {there}; the changelog up "
                                    f"to offset {offset} and behind it says {allowed[:5]}")

    def behind(self, store, partition, offset):
        """How many changelog records of this store lie behind the offset."""
        return sum(len(history) - bisect_right(history, offset, key=lambda change: change[0])
                   for history in self.changes.get((store, partition), {}).values())

    @staticmethod
    def _compare_state(invariant, where, store, task, there):
        state = task.state(store)
        for key in sorted(state.keys() | there.keys()):
            if state.get(key) != there.get(key) and task.live(store, key):
                raise Violation(invariant, where, f"key {key}: expected {state.get(key)}, there is {there.get(key)}")
