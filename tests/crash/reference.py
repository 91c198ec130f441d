"""The crash topology once more, as slow and as plain as can be: dictionaries, one record at a time.
Written from docs/semantics.md and crash_topology.h; shares no code with the engine."""

from collections import deque

PARTITIONS = 2
WINDOW = 2_000
GRACE = 1_000
VISITS_EVERY = 1_000
FAILS_IN_JOIN = b"!join"
FAILS_IN_SESSIONS = b"!sessions"
SESSION_GAP = 60
SESSION_RETENTION = 5_000


def murmur2(data):
    """Java's Utils.murmur2, by which every client of Kafka places keys."""
    mask = 0xFFFFFFFF
    m = 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key):
    return (murmur2(key) & 0x7FFFFFFF) % PARTITIONS


def long(number):
    return number.to_bytes(8, "big", signed=True)


def fails(order, where):
    """Whether this order makes a function throw there: then nothing may be left of it but a dead letter."""
    return order.split(b"|")[2].endswith(where)


class Made:
    """What a task makes of records: outputs per topic, in order, and the cells of its stores that it
    touched."""

    def __init__(self):
        self.outputs = {}
        self.touched = {}

    def send(self, topic, key, value, timestamp):
        self.outputs.setdefault(topic, []).append((key, value, timestamp))

    def touch(self, store, key, before, value, timestamp):
        """before: the cell's value before this change."""
        cells = self.touched.setdefault(store, {})
        first = cells[key][0] if key in cells else before
        cells[key] = (first, value, timestamp)

    def changes(self, store):
        """What a commit writes to the changelog: nothing of a cell that had no value and has none."""
        return {key: (value, timestamp) for key, (first, value, timestamp) in self.touched.get(store, {}).items()
                if first is not None or value is not None}


class Joining:
    """A task of the first half: orders meet the customer of their moment."""

    STORES = ("customer-rows",)

    def __init__(self):
        self.customers = {}

    def order(self, key, value, timestamp, made):
        made.send("taken", key, b"o|" + value, timestamp)
        customer = self.customers.get(key)
        joined = value + b"|" + (b"-" if customer is None else customer[0])
        made.send("by-product", value.split(b"|")[1], joined, timestamp)

    def customer(self, key, value, timestamp, made):
        before, _ = self.customers.get(key, (None, -1))
        if value is None:
            self.customers.pop(key, None)
        else:
            self.customers[key] = (value, timestamp)
        made.send("taken", key, b"c|" + (b"-" if value is None else value), timestamp)
        made.touch("customer-rows", key, before, value, timestamp)

    def state(self, store):
        return self.customers

    def live(self, store, cell_key):
        return True


class Counting:
    """A task of the second half: sums, counts in windows, and a processor that tells counts now and then."""

    STORES = ("product-totals", "product-counts", "open-visits", "open-sessions")

    def __init__(self):
        self.visits = {}
        self.sessions = {}  # key, end, start -> orders
        self.sessions_of = {}  # key -> those of them that may still be read
        self.latest_end = -1
        self.stream_time = -1
        self.visits_due = 0
        self.totals = {}
        self.counts = {}
        self.observed = -1

    def arrived(self, key, value, timestamp, made):
        self.tell_visits_if_due(made)
        self.stream_time = max(self.stream_time, timestamp)
        made.send("arrived", key, value, timestamp)
        self._total(key, int(value.split(b"|")[2]), timestamp, made)
        self._count(key, timestamp, made)
        visits, _ = self.visits.get(key, (None, -1))
        cell = (long(int.from_bytes(visits or b"", "big") + 1), timestamp)
        self.visits[key] = cell
        made.touch("open-visits", key, visits, *cell)
        self._session(key, timestamp, made)

    def _session(self, key, timestamp, made):
        start = end = timestamp
        orders = 1
        mine = self.sessions_of.setdefault(key, set())
        for cell_key in sorted(mine):
            its_end, its_start = int.from_bytes(cell_key[-16:-8], "big"), int.from_bytes(cell_key[-8:], "big")
            if not self.live("open-sessions", cell_key):
                mine.remove(cell_key)
            elif its_end >= timestamp - SESSION_GAP and its_start <= timestamp + SESSION_GAP:
                start, end = min(start, its_start), max(end, its_end)
                mine.remove(cell_key)
                before, _ = self.sessions.pop(cell_key)
                orders += int.from_bytes(before, "big")
                made.touch("open-sessions", cell_key, before, None, timestamp)
        cell_key = key + long(end) + long(start)
        if not self.live("open-sessions", cell_key):
            made.send("sessions", key, b"late", timestamp)
            return
        self.latest_end = max(self.latest_end, end)
        before, _ = self.sessions.get(cell_key, (None, -1))
        self.sessions[cell_key] = (long(orders), timestamp)
        mine.add(cell_key)
        made.touch("open-sessions", cell_key, before, long(orders), timestamp)
        made.send("sessions", key, f"{start}-{end}:{orders}".encode(), timestamp)

    def tells_visits(self):
        return self.visits_due <= self.stream_time

    def tell_visits_if_due(self, made):
        """A punctuation, which comes between the record that made it due and the next one."""
        if not self.tells_visits():
            return
        self.visits_due += ((self.stream_time - self.visits_due) // VISITS_EVERY + 1) * VISITS_EVERY
        for key in sorted(self.visits):
            visits, _ = self.visits[key]
            made.send("visits", key, visits, self.stream_time)
            made.touch("open-visits", key, visits, None, self.stream_time)
        self.visits = {}

    def _total(self, key, amount, timestamp, made):
        total, last = self.totals.get(key, (long(0), -1))
        cell = (long(int.from_bytes(total, "big") + amount), max(last, timestamp))
        self.totals[key] = cell
        made.send("totals", key, *cell)
        made.touch("product-totals", key, total, *cell)

    def _count(self, key, timestamp, made):
        self.observed = max(self.observed, timestamp)
        start = timestamp - timestamp % WINDOW
        if start + WINDOW <= self.observed - GRACE:
            return
        cell_key = key + long(start) + bytes(4)
        count, last = self.counts.get(cell_key, (long(0), -1))
        cell = (long(int.from_bytes(count, "big") + 1), max(last, timestamp))
        self.counts[cell_key] = cell
        made.send("counts", key + long(start), *cell)
        made.touch("product-counts", cell_key, count, *cell)

    def state(self, store):
        return {"product-totals": self.totals, "product-counts": self.counts, "open-visits": self.visits,
                "open-sessions": self.sessions}[store]

    def live(self, store, cell_key):
        """Whether a window or session may still be read or changed; what is not may be gone from everywhere."""
        if store == "open-sessions":
            end = int.from_bytes(cell_key[-16:-8], "big", signed=True)
            return end > self.latest_end - SESSION_RETENTION
        if store != "product-counts":
            return True
        start = int.from_bytes(cell_key[-12:-4], "big", signed=True)
        return start + WINDOW + GRACE > self.observed
