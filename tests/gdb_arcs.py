"""Put an arc into a FileGDB written by GDAL, which itself writes chords only.

Layout as publicly reverse-engineered (Even Rouault, dump_gdbtable): .gdbtablx holds 5-byte offsets
after 16 bytes; a row is its length, a null bitmap and the fields, the geometry first; a geometry is
its length, type, counts, box, deltas from point to point, arcs (start, type, two doubles, bits).
"""

import struct

ORIGIN_X, ORIGIN_Y, SCALE = 36_000_000.0, 3_000_000.0, 10_000.0
OPTIONS = {
    "driver": "OpenFileGDB",
    "XORIGIN": str(ORIGIN_X),
    "YORIGIN": str(ORIGIN_Y),
    "XYSCALE": str(SCALE),
}
GENERAL_POLYGON, HAS_CURVES = 51, 0x20000000
ARC, INTERIOR_POINT = 1, 0x80


def varuint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def varint(value):
    rest = abs(value)
    first = rest & 0x3F | (0x40 if value < 0 else 0)
    rest >>= 6
    return bytes([first | 0x80]) + varuint(rest) if rest else bytes([first])


def grid(points):
    return [(round((x - ORIGIN_X) * SCALE), round((y - ORIGIN_Y) * SCALE)) for x, y in points]


def polygon(ring, arcs):
    """Return the blob of a ring; arcs: number of the point an arc starts at → point on the arc."""
    points = grid(ring)
    xs, ys = zip(*points, strict=True)
    blob = varuint(GENERAL_POLYGON | HAS_CURVES) + varuint(len(points)) + varuint(1)
    blob += varuint(len(arcs))
    blob += varuint(min(xs)) + varuint(min(ys))
    blob += varuint(max(xs) - min(xs)) + varuint(max(ys) - min(ys))
    before = (0, 0)
    for point in points:
        blob += varint(point[0] - before[0]) + varint(point[1] - before[1])
        before = point
    for start, (x, y) in arcs.items():
        blob += varuint(start) + varuint(ARC) + struct.pack("<ddi", x, y, INTERIOR_POINT)
    return blob


def put(table, fid, blob):
    """Give a row another geometry: appended to the table, its offset changed in the index."""
    index = table.with_suffix(".gdbtablx")
    data, offsets = bytearray(table.read_bytes()), bytearray(index.read_bytes())
    at = 16 + 5 * (fid - 1)
    start = int.from_bytes(offsets[at : at + 5], "little")
    length = struct.unpack("<i", data[start : start + 4])[0]
    row = bytes(data[start + 4 : start + 4 + length])
    old, head = 0, 1  # one byte of null bitmap: SHAPE and at most seven more columns
    while row[head] & 0x80:
        old |= (row[head] & 0x7F) << 7 * (head - 1)
        head += 1
    old |= row[head] << 7 * (head - 1)
    new = row[:1] + varuint(len(blob)) + blob + row[head + 1 + old :]
    offsets[at : at + 5] = len(data).to_bytes(5, "little")
    data += struct.pack("<i", len(new)) + new
    data[8:12] = struct.pack("<i", max(len(new), struct.unpack("<i", data[8:12])[0]))
    data[24:32] = struct.pack("<q", len(data))
    table.write_bytes(bytes(data))
    index.write_bytes(bytes(offsets))
