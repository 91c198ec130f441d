"""Cuts the power: makes of a directory what a disk could hold after the machine went off, from what
disk_shim.cc wrote down and a copy of the directory from before.

Bytes that a sync covered are there. Of what was written after it any prefix, any mixture of sectors, or
nothing. A sync that failed covers nothing, also if a later one succeeds. Names are as of their
directory's last sync, or any later state of them, in order.
"""

import os
import shutil
import struct

OPEN, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, SYNC_FAILED, RENAME, LINK, UNLINK, MAKE_DIRECTORY, REMOVE_DIRECTORY = range(1, 12)
SECTOR = 512


class _File:
    def __init__(self, content=b""):
        self.content = content
        self.changes = []  # (offset, bytes) or (size, None)
        self.durable = 0
        self.doomed = set()


class _Directory:
    def __init__(self):
        self.changes = []  # numbers of name changes
        self.durable = 0


def _entries(trace):
    if not os.path.exists(trace):  # it died before it did anything
        return
    with open(trace, "rb") as file:
        data = file.read()
    at = 0
    while at + 24 <= len(data):
        operation, number, offset, length = struct.unpack_from("<IIQQ", data, at)
        payload = data[at + 24:at + 24 + length]
        if len(payload) < length:
            return
        yield operation, number, offset, payload
        at += 24 + length


class PowerCut:
    def __init__(self, root, before, trace, random):
        self.root, self.before, self.random = root, before, random
        self.files = {}        # number in the trace -> _File
        self.names = {}        # path below root -> _File; None: as it was before
        self.live = {}         # the same, as the program saw it at the end
        self.directories = {}  # path -> _Directory
        self.changes = []      # (directory, what, path, path or _File)
        self.touched = set()   # every path that the trace names
        for folder, folders, files in os.walk(before):
            for name in folders + files:
                path = os.path.relpath(os.path.join(folder, name), before)
                self.names[path] = None
                self.live[path] = None
        self._read(trace)

    def _path(self, payload):
        path = os.path.relpath(os.fsdecode(payload), self.root)
        if path != ".":
            self.touched.add(path)
        return path

    def _change_name(self, what, path, other=None):
        directory = self.directories.setdefault(os.path.dirname(path) or ".", _Directory())
        directory.changes.append(len(self.changes))
        self.changes.append((directory, what, path, other))

    def _file(self, path):
        """The file of this name in the trace's eyes; one from before is read now."""
        file = self.live.get(path)
        if file is None:
            with open(os.path.join(self.before, path), "rb") as stored:
                file = _File(stored.read())
            self.live[path] = file
            if path in self.names:
                self.names[path] = file
        return file

    def _read(self, trace):
        syncs = {}
        folders = {}
        for operation, number, offset, payload in _entries(trace):
            if operation == OPEN:
                path = self._path(payload)
                if os.path.isdir(os.path.join(self.root, path)):
                    folders[number] = path
                elif offset == 1:
                    self.files[number] = self.live[path] = _File()
                    self._change_name("add", path, self.files[number])
                elif number not in self.files:
                    self.files[number] = self._file(path)
            elif operation == WRITE:
                self.files[number].changes.append((offset, payload))
            elif operation == TRUNCATE:
                self.files[number].changes.append((offset, None))
            elif operation == SYNC_BEGIN:
                what = (self.directories.setdefault(folders[number], _Directory()) if number in folders
                        else self.files[number])
                syncs[offset] = what, len(what.changes)
            elif operation == SYNC_END:
                what, covered = syncs.pop(offset)
                what.durable = max(what.durable, covered)
            elif operation == SYNC_FAILED:
                file = self.files[number]
                file.doomed.update(range(file.durable, len(file.changes)))
            elif operation in (RENAME, LINK):
                old, new = map(self._path, payload.split(b"\0"))
                file = self._file(old)
                self.live[new] = file
                if operation == RENAME:
                    del self.live[old]
                self._change_name("move" if operation == RENAME else "add", new, old if operation == RENAME else file)
            elif operation == UNLINK:
                path = self._path(payload)
                self.live.pop(path, None)
                self._change_name("remove", path)
            elif operation == MAKE_DIRECTORY:
                path = self._path(payload)
                self.live[path] = None
                self._change_name("make", path)
            elif operation == REMOVE_DIRECTORY:
                path = self._path(payload)
                self.live.pop(path, None)
                self._change_name("remove", path)

    def _names_after(self):
        random = self.random
        upto = {}
        for directory in self.directories.values():
            kept = random.choice([directory.durable, len(directory.changes),
                                  random.randint(directory.durable, len(directory.changes))])
            upto[directory] = set(directory.changes[:kept])
        names = dict(self.names)
        for number, (directory, what, path, other) in enumerate(self.changes):
            if number not in upto[directory]:
                continue
            if what == "add":
                names[path] = other
            elif what == "make":
                names[path] = None
            elif what == "move" and other in names:
                names[path] = names.pop(other)
            elif what == "remove":
                names.pop(path, None)
        return names

    def _content_after(self, file):
        random = self.random
        content = bytearray(file.content)
        unsure = [i for i in range(len(file.changes)) if i >= file.durable or i in file.doomed]
        kind = random.choice(["nothing", "all", "prefix", "mixture"])
        last = random.choice(unsure) if unsure else 0
        for i, (offset, data) in enumerate(file.changes):
            is_unsure = i >= file.durable or i in file.doomed
            if is_unsure and (kind == "nothing" or (kind == "prefix" and i > last)):
                continue
            if data is None:
                if not is_unsure or random.random() < 0.5 or kind == "all":
                    del content[offset:]
                    content.extend(bytes(offset - len(content)))
                continue
            torn = is_unsure and (kind == "mixture" or (kind == "prefix" and i == last))
            if len(content) < offset + len(data):
                if torn and kind == "prefix":
                    data = data[:random.randint(0, len(data))]
                content.extend(bytes(max(0, offset + len(data) - len(content))))
            at = offset
            while at < offset + len(data):
                end = min(offset + len(data), (at // SECTOR + 1) * SECTOR)
                if not torn or random.random() < 0.5:
                    content[at:end] = data[at - offset:end - offset]
                at = end
        return bytes(content)

    def unsynced(self):
        """Bytes written and not covered by a sync."""
        return sum(len(data or b"") for file in self.files.values() for _, data in file.changes[file.durable:])

    def apply(self):
        names = self._names_after()
        for path in sorted(self.touched | set(self.names), reverse=True):
            full = os.path.join(self.root, path)
            if os.path.isdir(full) and path not in names:
                shutil.rmtree(full)
            elif os.path.isfile(full):
                os.unlink(full)
        for path in sorted(names):
            full = os.path.join(self.root, path)
            if not os.path.isdir(os.path.dirname(full)):
                continue
            file = names[path]
            source = os.path.join(self.before, path)
            if file is not None:
                with open(full, "wb") as out:
                    out.write(self._content_after(file))
                os.chmod(full, 0o600)
            elif os.path.isfile(source):
                shutil.copy2(source, full)
            else:
                os.makedirs(full, mode=0o700, exist_ok=True)
