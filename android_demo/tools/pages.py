"""Lay a native library that was linked for pages of 4 KB out for pages of 16 KB, where its addresses allow it.

A loader maps whole pages, so no page may hold both code and what is written. Addresses are compiled into the code and
cannot change; what can is where the bytes lie in the file, and that two writable segments become one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields, replace
from itertools import pairwise

from training.common.errors import UserError

PAGE = 16 * 1024
_LOAD, _RELRO, _NULL = 1, 0x6474E552, 0
_WRITABLE = 2
_SEGMENT = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr


@dataclass(frozen=True)
class Segment:
    """A program header, in the order of its fields."""

    kind: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    size: int
    align: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + self.size

    @property
    def fits(self) -> bool:
        """Whether a loader with large pages can map it from the file."""
        return self.align >= PAGE and (self.offset - self.address) % PAGE == 0


def segments(library: bytes | bytearray) -> list[Segment]:
    """The program headers.

    Raises:
        UserError: no 64-bit little-endian ELF file.
    """
    if library[:6] != b"\x7fELF\x02\x01":
        raise UserError("no 64-bit little-endian ELF file: no native library of arm64-v8a or x86_64")
    (start,) = struct.unpack_from("<Q", library, 0x20)
    size, count = struct.unpack_from("<HH", library, 0x36)
    return [Segment(*_SEGMENT.unpack_from(library, start + number * size)) for number in range(count)]


def loads(library: bytes | bytearray) -> list[Segment]:
    """What is mapped into memory, by address."""
    return [segment for segment in segments(library) if segment.kind == _LOAD]


def fault(library: bytes | bytearray) -> str | None:
    """Why a system with pages of 16 KB cannot load the library; None if it can."""
    found = loads(library)
    if not found:
        return "it has nothing to load"
    wrong = next((segment for segment in found if not segment.fits), None)
    if wrong:
        return f"the segment at {wrong.address:#x} is aligned to {wrong.align} bytes in the file, not to {PAGE}"
    return _shared(found) or _relro_fault(library)


def lay_out(library: bytes) -> bytes:
    """The library for pages of 16 KB; itself where it is already.

    The writable segments become one, with the gap between their addresses in the file too. What is read-only after
    relocation ends at the last whole page before what stays writable.

    Raises:
        UserError: code and data share a page, or the file is not laid out as linkers do.
    """
    if fault(library) is None:
        return library
    found = loads(library)
    fixed = [segment for segment in found if not segment.flags & _WRITABLE]
    written = [segment for segment in found if segment.flags & _WRITABLE]
    shared = _shared([*fixed, *written])
    if shared:
        raise UserError(shared)
    if not written or any((segment.offset - segment.address) % PAGE for segment in fixed):
        raise UserError("its segments lie in the file otherwise than in memory; it cannot be laid out anew")
    if found != [*fixed, *written]:
        raise UserError("its segments are not in the order code, data; it cannot be laid out anew")
    return _merged(library, written)


def memory_image(library: bytes | bytearray) -> bytes:
    """What lies at addresses 0 to the end once the library is loaded, before relocation."""
    image = bytearray(max(segment.end for segment in loads(library)))
    for one in loads(library):
        image[one.address : one.address + one.file_size] = library[one.offset : one.offset + one.file_size]
    return bytes(image)


def _shared(found: list[Segment]) -> str | None:
    for before, after in pairwise(found):
        same = (before.end - 1) // PAGE == after.address // PAGE
        if same and before.flags != after.flags:
            return f"the segments at {before.address:#x} and {after.address:#x} share a page of {PAGE} bytes"
    return None


def _relro_fault(library: bytes | bytearray) -> str | None:
    """The loader protects whole pages: those that also hold what stays writable would be lost."""
    for one in (segment for segment in segments(library) if segment.kind == _RELRO):
        protected = -(-one.end // PAGE) * PAGE
        holder = next((s for s in loads(library) if s.address <= one.address < s.end), None)
        if holder and one.end < holder.end and protected > one.end:
            return f"what is read-only after relocation ends within a page, at {one.end:#x}"
    return None


def _merged(library: bytes, written: list[Segment]) -> bytes:
    first, last = written[0], written[-1]
    file_size = last.address + last.file_size - first.address
    body = memory_image(library)[first.address : first.address + file_size]
    gap = (first.address - first.offset) % PAGE
    made = bytearray(library[: first.offset] + bytes(gap) + body + library[last.offset + last.file_size :])
    one = replace(first, offset=first.offset + gap, file_size=file_size, size=last.end - first.address, align=PAGE)
    _write_segments(made, one, written)
    _move_sections(made, one, written[-1], len(made) - len(library))
    return bytes(made)


def _write_segments(made: bytearray, one: Segment, written: list[Segment]) -> None:
    (start,) = struct.unpack_from("<Q", made, 0x20)
    for number, segment in enumerate(segments(made)):
        new = segment
        if segment == written[0]:
            new = one
        elif segment in written:
            new = replace(segment, kind=_NULL)
        elif segment.kind == _LOAD:
            new = replace(segment, align=PAGE)
        elif segment.kind == _RELRO:
            size = segment.end // PAGE * PAGE - segment.address
            new = replace(segment, offset=one.offset + segment.address - one.address, size=size, file_size=size)
            new = new if size > 0 else replace(segment, kind=_NULL)
        elif written[0].address <= segment.address < written[-1].end:  # thread-local data, the dynamic section
            new = replace(segment, offset=one.offset + segment.address - one.address)
        values = (getattr(new, field.name) for field in fields(new))
        _SEGMENT.pack_into(made, start + number * _SEGMENT.size, *values)


def _move_sections(made: bytearray, one: Segment, last: Segment, moved: int) -> None:
    """Section headers tell debuggers and the loader's own checks where things lie."""
    old_end = last.offset + last.file_size
    (table,) = struct.unpack_from("<Q", made, 0x28)
    size, count = struct.unpack_from("<HH", made, 0x3A)
    if not table:
        return
    if table >= old_end:
        table += moved
        struct.pack_into("<Q", made, 0x28, table)
    for place in range(table, table + count * size, size):
        header = list(_SECTION.unpack_from(made, place))
        address, offset = header[3], header[4]
        if address >= one.address:
            header[4] = one.offset + address - one.address
        elif not address and offset >= old_end:
            header[4] = offset + moved
        _SECTION.pack_into(made, place, *header)
