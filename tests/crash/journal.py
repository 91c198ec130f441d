"""Reads a journal's directory by docs/format/journal.md. Shares no code with the engine."""

import os
import re
import struct

from oracle import Frame, Record, Violation

FRAME, BATCH, MANIFEST = 0x4D524631, 0x4D524231, 0x4D524D31
PARKED = "__millrace_parked"
FEET = (0x4D525031, 0x4D525431)
HEADER_SIZE, FRAME_SIZE, BATCH_SIZE = 64, 40, 64


def _table():
    tables = [[]]
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        tables[0].append(crc)
    for level in range(1, 8):
        tables.append([tables[0][crc & 0xFF] ^ crc >> 8 for crc in tables[level - 1]])
    return tables


_T = _table()


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    t0, t1, t2, t3, t4, t5, t6, t7 = _T
    whole = len(data) & ~7
    for word, in struct.iter_unpack("<Q", data[:whole]):
        word ^= crc
        crc = (t7[word & 0xFF] ^ t6[word >> 8 & 0xFF] ^ t5[word >> 16 & 0xFF] ^ t4[word >> 24 & 0xFF]
               ^ t3[word >> 32 & 0xFF] ^ t2[word >> 40 & 0xFF] ^ t1[word >> 48 & 0xFF] ^ t0[word >> 56])
    for byte in data[whole:]:
        crc = t0[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Bytes:
    """Takes numbers and texts off the front."""

    def __init__(self, data, at=0):
        self.data = data
        self.at = at

    def number(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def signed(self):
        bits = self.number()
        return bits >> 1 ^ -(bits & 1)

    def take(self, size):
        self.at += size
        if self.at > len(self.data):
            raise IndexError("behind the end")
        return self.data[self.at - size:self.at]

    def text(self):
        return self.take(self.number())


def records_of(encoded, base):
    data = Bytes(encoded)
    records = []
    delta, timestamp = -1, 0
    while data.at < len(encoded):
        flags = data.take(1)[0]
        delta += 1 + data.number()
        timestamp += data.signed()
        key_size = data.number() if flags & 1 else 0
        value_size = data.number() if flags & 2 else 0
        key = data.take(key_size) if flags & 1 else None
        value = data.take(value_size) if flags & 2 else None
        if flags & 4:
            for _ in range(data.number()):
                data.text()
                data.take(max(0, data.number() - 1))
        records.append(Record(base + delta, key, value, timestamp))
    return records


class Topic:
    def __init__(self, name, starts):
        self.name = name
        self.starts = starts


class Journal:
    """frames() gives the frames that were added since the last call; whoever writes is dead meanwhile."""

    def __init__(self, directory):
        self.directory = directory
        self.last = 0         # number of the last frame given
        self.topics = {}      # id -> Topic
        self.done = set()     # segments that nothing is added to any more
        self.read_up_to = {}  # segment -> bytes that hold frames already given
        self.bytes = 0

    def segments(self):
        names = [name for name in os.listdir(self.directory) if re.fullmatch(r"\d+\.segment", name)]
        return sorted(names, key=lambda name: int(name.split(".")[0]))

    def frames(self):
        names = [name for name in self.segments() if name not in self.done]
        yield from self._frames_of_all(names)
        self.done.update(names[:-1])

    def frames_of_segment(self, name):
        names = self.segments()
        # With the next one, which may end it.
        at = names.index(name)
        for frame in self._frames_of_all(names[at:at + 2], only_first=True):
            yield frame

    def _frames_of_all(self, names, only_first=False):
        segments = []
        for name in names:
            with open(os.path.join(self.directory, name), "rb") as file:
                data = file.read()
            segments.append((name, data, *self._head(name, data)))
        for i, (name, data, journal, first, catalog_size) in enumerate(segments[:1] if only_first else segments):
            # What could not be synced is written again in the next segment, and ends this one.
            end = segments[i + 1][3] if i + 1 < len(segments) else None
            yield from self._frames_of(name, data, journal, first, catalog_size, end)

    def _head(self, name, data):
        magic, version, kind, journal, number, first, _, size, crc = struct.unpack_from(">8sIIqqqqII", data)
        if magic != b"millrace" or version != 1:
            raise Violation("I0", name, "no segment of a journal")
        return struct.pack(">q", journal), first, size

    def _frames_of(self, name, data, journal, first, catalog_size, end):
        if self.last == 0:
            self.topics = {}
            self._read_catalog(data[HEADER_SIZE:HEADER_SIZE + catalog_size])
            self.last = first - 1
        at = self.read_up_to.get(name, HEADER_SIZE + catalog_size)
        salt = crc32c(journal)
        while len(data) - at >= FRAME_SIZE:
            magic, crc, head_size, batches, number, _, size = struct.unpack_from(">IIIIqqQ", data, at)
            if magic in FEET:
                break
            if (magic != FRAME or at + size > len(data) or head_size > size
                    or crc32c(data[at + 8:at + head_size], salt) != crc):
                break  # a torn tail: whoever opens the journal next cuts it off
            frame = self._frame(number, data[at:at + size], head_size, batches)
            if frame is None:
                break
            if number == end:
                break
            at += size
            if number <= self.last:
                continue
            if number != self.last + 1:
                raise Violation("I0", name, f"frame {number} follows frame {self.last}")
            self.last = number
            self.bytes += size
            yield self._resolved(frame)
        self.read_up_to[name] = at

    @staticmethod
    def _frame(number, data, head_size, batches):
        """(number, orders, [(topic, partition, base, encoded)]); None: a checksum does not hold."""
        sizes = struct.iter_unpack(">II", data[FRAME_SIZE:FRAME_SIZE + 8 * batches])
        at = head_size
        found = []
        for size, named in sizes:
            magic, crc, length, _, topic, partition, base = struct.unpack_from(">IIIiiiq", data, at)
            batch = data[at:at + size]
            if magic != BATCH or length != size or crc != named or crc32c(batch[8:]) != crc:
                return None
            found.append((topic, partition, base, batch[BATCH_SIZE:]))
            at += size
        return number, Bytes(data[:head_size], FRAME_SIZE + 8 * batches), found

    def _resolved(self, parts):
        number, orders, batches = parts
        frame = Frame(number)
        offsets = []
        for _ in range(orders.number()):
            group = orders.text()
            offsets.append((group.decode(), orders.number(), orders.number(), orders.number()))
            orders.text()
        for _ in range(orders.number()):
            topic, name, partitions = orders.number(), orders.text().decode(), orders.number()
            for _ in range(orders.number()):
                orders.text(), orders.text()
            self.topics[topic] = Topic(name, [0] * partitions)
        gone = [orders.number() for _ in range(orders.number())]
        deletions = [(orders.number(), orders.number(), orders.number()) for _ in range(orders.number())]
        for group, topic, partition, offset in offsets:
            frame.offsets[group, self.topics[topic].name, partition] = offset
        for topic, partition, base, encoded in batches:
            name = self.topics[topic].name
            records = records_of(encoded, base)
            frame.by_number.setdefault((topic, partition), []).extend(records)
            if name == PARKED:
                for record in records:
                    self._park(frame, record.value)
            else:
                frame.batches.setdefault((name, partition), []).extend(records)
        for topic, partition, below in deletions:
            self.topics[topic].starts[partition] = below
        for topic in gone:
            del self.topics[topic]
        return frame

    def _park(self, frame, value):
        """A record of the journal's own topic: batches that come to their places later."""
        at = 0
        while at < len(value):
            topic, partition, base, _, _, _, _, size = struct.unpack_from(">iiqqiqqi", value, at)
            at += 48
            name = self.topics[topic].name
            frame.parked.setdefault((name, partition), []).extend(records_of(value[at:at + size], base))
            at += size

    def _read_catalog(self, data):
        if not data:
            return
        catalog = Bytes(data)
        catalog.number()  # the next topic's
        for _ in range(catalog.number()):
            topic, name = catalog.number(), catalog.text().decode()
            for _ in range(catalog.number()):
                catalog.text(), catalog.text()
            starts = []
            for _ in range(catalog.number()):
                starts.append(catalog.number())
                catalog.number()
            self.topics[topic] = Topic(name, starts)

    def _live(self):
        """The segments that hold what can be read, in the order of the offsets."""
        path = os.path.join(self.directory, "manifest")
        if not os.path.exists(path):
            return self.segments()
        with open(path, "rb") as file:
            data = file.read()
        magic, crc, _, first, _, _, count = struct.unpack_from(">IIqqqqI", data)
        if magic != MANIFEST or crc32c(data[8:]) != crc:
            raise Violation("I0", "manifest", "its checksum does not hold")
        listed = [struct.unpack_from(">Iq", data, 44 + 36 * i) for i in range(count)]
        names = [f"{number:010}.{'segment' if kind == 1 else 'copies'}" for kind, number in listed]
        return names + [name for name in self.segments() if int(name.split(".")[0]) >= first]

    def contents(self):
        """(topic, partition) -> [Record], all that can be read now, copies that the cleaner made included."""
        whole = Journal(self.directory)
        found = {}  # (topic number, partition) -> [Record]
        for name in self._live():
            if name.endswith(".segment"):
                whole.last = 0  # an older one may be gone
                for frame in whole.frames_of_segment(name):
                    for where, records in frame.by_number.items():
                        found.setdefault(where, []).extend(records)
                continue
            with open(os.path.join(self.directory, name), "rb") as file:
                data = file.read()
            at = HEADER_SIZE
            while struct.unpack_from(">I", data, at)[0] == BATCH:
                _, crc, size, _, topic, partition, base = struct.unpack_from(">IIIiiiq", data, at)
                if crc32c(data[at + 8:at + size]) != crc:
                    raise Violation("I0", name, f"the checksum of the batch at byte {at} does not hold")
                found.setdefault((topic, partition), []).extend(records_of(data[at + BATCH_SIZE:at + size], base))
                at += size
        self.topics = whole.topics
        return {(self.topics[topic].name, partition): [r for r in records if r.offset >= self.topics[topic].starts[partition]]
                for (topic, partition), records in found.items() if topic in self.topics}

    def start(self, name, partition):
        return next(t.starts[partition] for t in self.topics.values() if t.name == name)
