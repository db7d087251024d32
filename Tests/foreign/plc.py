"""A PLC that we did not write: pymodbus as server, with values of every type and order.

    plc.py [tcp [PORT]]   Modbus TCP; without a port on a free one
    plc.py rtu [PORT]     Modbus RTU over TCP, as a gateway hands a serial line through
    plc.py serial PATH    Modbus RTU on a serial line

It is unit 7; unit 8 has nothing but 108 in its first register, 109 in the next, and so on. Who asks another unit gets
no answer on a serial line.

Prints one JSON object a line: first the port and the values that a reader must find, then each acknowledge that
is written to it. A line "cycle" on standard input makes a cycle (block first, then the counter), "stop" ends it.
"""

import asyncio
import json
import struct
import sys

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COUNTER, ACKNOWLEDGE, FORCE, VERDICT = 99, 109, 101, 103  # PDU addresses of 40100, 40110, 40102, 40104
ORDERS = {
    "h": ["AB", "BA"],
    "i": ["ABCD", "CDAB", "BADC", "DCBA"],
    "q": ["ABCDEFGH", "BADCFEHG", "GHEFCDAB", "HGFEDCBA", "CDABGHEF", "DCBAHGFE", "EFGHABCD", "FEHGBADC"],
}
VALUES = {
    "int16": ("h", ">h", [-123, 32_767]),
    "uint16": ("h", ">H", [65_413, 1]),
    "int32": ("i", ">i", [-2_000_000_001, 70_000]),
    "uint32": ("i", ">I", [4_000_000_001, 7]),
    "float32": ("i", ">f", [101.5, -0.1]),
    "int64": ("q", ">q", [-9_007_199_254_740_993, 9_223_372_036_854_775_807]),
    "uint64": ("q", ">Q", [18_446_744_073_709_551_615, 9_223_372_036_854_775_808, 5]),
    "float64": ("q", ">d", [3.141592653589793, -1e-300]),
    "bcd16": ("h", ">H", [9876, 42]),
    "bcd32": ("i", ">I", [12_345_678, 90]),
}
# The text, its encoding, its length in bytes, what fills it up, the order of the bytes in a word.
TEXTS = [
    ("SN0042", "ascii", 10, b"\0", "AB"), ("SN0042", "ascii", 10, b" ", "BA"), ("LOT-7", "ascii", 5, b"\0", "BA"),
    ("größe", "utf-8", 12, b"\0", "AB"), ("钢卷五号", "gbk", 10, b" ", "BA"), ("钢卷五号", "utf-8", 12, b"\0", "AB"),
]


def registers_of(packed, order):
    moved = bytes(packed["ABCDEFGH".index(letter)] for letter in order)
    return list(struct.unpack(f">{len(moved) // 2}H", moved))


def packed_as(type_, format_, value):
    """The bytes of a value, most significant first; BCD has its decimal digits as nibbles."""
    return struct.pack(format_, int(str(value), 16) if type_.startswith("bcd") else value)


def layout():
    """Registers of the holding table from 200 on, and the tags that a map needs to read them."""
    registers, tags = [], {}

    def add(name, words, bits="", **fields):
        tags[name] = {"at": f"holding:{200 + len(registers)}{bits}", **fields}
        registers.extend(words)

    for type_, (size, format_, values) in VALUES.items():
        for order in ORDERS[size]:
            for index, value in enumerate(values):
                packed = packed_as(type_, format_, value)
                exact = struct.unpack(format_, packed)[0] if type_ == "float32" else value
                fields = {"type": type_, "word-order": order, "value": exact}
                add(f"{type_}-{order.lower()}-{index}", registers_of(packed, order), **fields)
    for index, (text, encoding, length, padding, order) in enumerate(TEXTS):
        filled = text.encode(encoding).ljust(length, padding)
        filled += b"\0" * (len(filled) % 2)
        words = [word for place in range(0, len(filled), 2) for word in registers_of(filled[place:place + 2], order)]
        fields = {"type": "string", "length": length, "encoding": encoding, "word-order": order, "value": text}
        add(f"string-{index}", words, **fields)
    add("bool-word", [0x0008], ".3", type="bool", value=True)
    add("bits-low", [0xA6F5], ".0..3", type="bits", value=5)
    add("bits-high", [0xA6F5], ".12..15", type="bits", value=10)
    add("bits-across", [0xA6F5], ".6..9", type="bits", value=11)
    add("scaled", [215], type="uint16", scale=0.1, value=21.5)
    add("scaled-large", registers_of(struct.pack(">Q", 12_345_678_901_234_567), "ABCDEFGH"), type="uint64", scale=0.001,
        value="12345678901234.567")
    return registers, tags


async def main():
    registers, tags = layout()
    holding = [0] * 200 + registers + [0] * 16
    inputs = [0x4142, 300]
    tags["input"] = {"at": "input:1", "type": "uint16", "value": 300}
    tags["coil"] = {"at": "coil:5", "type": "bool", "value": True}
    tags["discrete"] = {"at": "discrete:2", "type": "bool", "value": True}

    async def written(function, _start, address, _count, _current, new):
        if new is not None and function in (6, 16):
            print(json.dumps({"written": address, "values": [int(value) for value in new]}), flush=True)

    device = SimDevice(
        id=7,
        simdata=(
            [SimData(0, values=[False] * 5 + [True] + [False] * 10, datatype=DataType.BITS)],
            [SimData(0, values=[False, False, True] + [False] * 13, datatype=DataType.BITS)],
            [SimData(0, values=holding, datatype=DataType.REGISTERS)],
            [SimData(0, values=inputs, datatype=DataType.REGISTERS)],
        ),
        action=written,
    )
    neighbour = SimDevice(id=8, simdata=[SimData(0, values=list(range(108, 208)), datatype=DataType.REGISTERS)])
    units = [device, neighbour]
    way, place = (sys.argv[1:] + ["tcp", "0"][len(sys.argv) - 1:])[:2]

    def only_ours(is_sent, frame):
        """Nobody answers for a unit that is not on the line: left to itself the server answers with exception 4."""
        return b"" if is_sent and frame[:1] not in (b"\7", b"\x08") else frame

    if way == "serial":
        server = ModbusSerialServer(units, port=place, baudrate=19200, trace_packet=only_ours)
    elif way == "rtu":
        address = ("127.0.0.1", int(place))
        server = ModbusTcpServer(units, framer=FramerType.RTU, address=address, trace_packet=only_ours)
    else:
        server = ModbusTcpServer(units, address=("127.0.0.1", int(place)))
    await server.serve_forever(background=True)
    port = 0 if way == "serial" else server.transport.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "tags": tags}), flush=True)

    loop = asyncio.get_running_loop()
    count = 0
    while True:
        line = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
        if line in ("", "stop"):
            break
        count += 1
        force = registers_of(struct.pack(">f", 100 + count / 4), "ABCD")
        for address, values in [(FORCE, force), (VERDICT, [2 if count % 3 == 0 else 1]), (COUNTER, [count])]:
            await server.async_setValues(7, 3, address, values)
        print(json.dumps({"cycle": count, "force": 100 + count / 4}), flush=True)
    await server.shutdown()


asyncio.run(main())
