"""Is the oracle awake? Edits a history that it found right, each edit by itself, and asks what it says:
each must be reported, under the name of the invariant that it breaks."""

import copy

from oracle import Oracle, Violation

APPLICATION = "crash"


class Edits:
    """Every method is an edit of a list of frames; its docstring begins with the names that it may be
    reported under. The frame that is edited lies in the middle of the history."""

    def __init__(self, frames):
        self.frames = frames

    def _batch(self, topic, least=2, last=False):
        """A batch of this topic with several records: its frame, its key, its records."""
        found = [(frame, key, records) for frame in self.frames for key, records in frame.batches.items()
                 if key[0] == topic and len(records) >= least]
        return found[-1 if last else len(found) // 2]

    def _changelog(self, store="product-totals"):
        return self._batch(f"{APPLICATION}-{store}-changelog")

    def drops_the_first_record_of_a_commit(self):
        """I1"""
        del self._batch("totals")[2][0]

    def drops_a_record_in_the_middle(self):
        """I1"""
        del self._batch("counts", least=3)[2][1]

    def drops_the_very_last_output(self):
        """I1"""
        del self._batch("totals", last=True)[2][-1]

    def doubles_an_output(self):
        """I1"""
        records = self._batch("totals")[2]
        records.insert(1, records[0])

    def swaps_two_outputs(self):
        """I1"""
        one, other = self._batch("totals")[2][:2]
        for part in ("key", "value", "timestamp"):
            mine, others = getattr(one, part), getattr(other, part)
            setattr(one, part, others)
            setattr(other, part, mine)

    def changes_a_value(self):
        """I1"""
        self._batch("counts")[2][0].value = (77_777).to_bytes(8, "big")

    def changes_a_timestamp(self):
        """I1"""
        self._batch("totals")[2][0].timestamp += 1

    def changes_a_key(self):
        """I1"""
        self._batch("totals")[2][0].key += b"x"

    def tells_visits_twice(self):
        """I1"""
        records = self._batch("visits")[2]
        records.append(records[-1])

    def moves_an_output_to_the_other_partition(self):
        """I1"""
        frame, (topic, p), records = self._batch("totals")
        frame.batches.setdefault((topic, 1 - p), []).append(records.pop())

    def loses_a_record_between_two_tasks(self):
        """I1 I9"""
        del self._batch(f"{APPLICATION}-by-product-repartition")[2][0]

    def empties_an_output(self):
        """I1 I3"""
        for frame in self.frames:
            for p in (0, 1):
                frame.batches.pop(("counts", p), None)

    def shows_half_a_commit(self):
        """I3"""
        frame, key, _ = self._batch("totals")
        del frame.batches[key]

    def shows_a_commit_without_its_offsets(self):
        """I3"""
        self._batch("taken")[0].offsets.clear()

    def shows_offsets_without_their_commit(self):
        """I3"""
        frame, key, _ = self._batch("taken")
        for topic, p in list(frame.batches):
            if topic not in ("orders", "customers", "feed"):
                del frame.batches[topic, p]

    def shows_a_record_of_an_aborted_transaction(self):
        """I3"""
        self._batch("orders")[2][0].value = b"aborted|p0|1"

    def shows_half_a_transaction_of_input(self):
        """I3"""
        del self._batch("orders")[2][0]

    def loses_an_acknowledged_transaction_of_input(self):
        """I0 I9"""
        frame, _, _ = self._batch("orders")
        for topic, p in list(frame.batches):
            if topic in ("orders", "customers", "feed"):
                del frame.batches[topic, p]

    def loses_a_change_of_state(self):
        """I4"""
        del self._changelog()[2][0]

    def writes_another_state_to_the_changelog(self):
        """I4"""
        self._changelog()[2][0].value = bytes(8)

    def writes_a_change_twice(self):
        """I4"""
        records = self._changelog()[2]
        records.append(records[0])

    def takes_a_committed_offset_back(self):
        """I6"""
        committed = set()
        for frame in self.frames:
            for key, offset in frame.offsets.items():
                if key in committed and offset > 1:
                    frame.offsets[key] = 0
                    return
                if offset > 0:
                    committed.add(key)

    def processes_a_record_twice(self):
        """I9"""
        records = self._batch("taken")[2]
        records.append(records[0])

    def skips_a_record(self):
        """I9"""
        del self._batch("taken")[2][0]

    def loses_a_dead_letter(self):
        """I9"""
        self._batch("dead", least=1)[2].pop()

    def writes_a_dead_letter_twice(self):
        """I9"""
        records = self._batch("dead", least=1)[2]
        records.append(records[-1])

    def stops_before_the_end(self):
        """I2"""
        frame = self._batch("totals", least=1, last=True)[0]
        del self.frames[self.frames.index(frame):]


def check(frames):
    """Returns (edits reported under the right name, all edits, what was wrong)."""
    names = [name for name in vars(Edits) if not name.startswith("_")]
    wrong = []
    for name in names:
        edits = Edits(copy.deepcopy(frames))
        expected = getattr(Edits, name).__doc__.split()
        getattr(edits, name)()
        oracle = Oracle(APPLICATION)
        try:
            for frame in edits.frames:
                oracle.take(frame)
            oracle.check_complete()
            wrong.append(f"{name}: not reported")
        except Violation as violation:
            if violation.invariant not in expected:
                wrong.append(f"{name}: reported as {violation.invariant}, not {' or '.join(expected)}: {violation}")
    return len(names) - len(wrong), len(names), wrong


def check_disks(oracle, disks):
    """The same for stores on disk: disks as Lives.disks() gives them, found right."""
    def loses(entries, key):
        del entries[key]

    def is_a_commit_behind(entries, key):
        entries[key] = oracle_history(key)[-2][1]

    def is_ahead(entries, key):
        entries[key] = (b"nobody wrote this", entries[key][1])

    def holds_too_much(entries, key):
        entries[key + b"x"] = entries[key]

    where = ("product-totals", 0)
    offset, right = disks[where]

    def oracle_history(key):
        return oracle.changes[where][key]

    key = next(key for key in sorted(right) if len(oracle_history(key)) > 1)
    wrong = []
    edits = (loses, is_a_commit_behind, is_ahead, holds_too_much)
    for edit in edits:
        entries = dict(right)
        edit(entries, key)
        for check, edited in ((oracle.check_disk, {**{w: e for w, (_, e) in disks.items()}, where: entries}),
                              (oracle.check_prefix, {**disks, where: (offset, entries)})):
            try:
                check(edited)
                wrong.append(f"a store that {edit.__name__}: not reported by {check.__name__}")
            except Violation as violation:
                if violation.invariant != "I5":
                    wrong.append(f"a store that {edit.__name__}: reported as {violation}")
    return len(edits), wrong
