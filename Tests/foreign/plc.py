"""A PLC that we did not write: pymodbus as server, with values of every type and order.

Prints one JSON object a line: first the port and the values that a reader must find, then each acknowledge that
is written to it. A line "cycle" on standard input makes a cycle (block first, then the counter), "stop" ends it.
"""

import asyncio
import json
import struct
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COUNTER, ACKNOWLEDGE, FORCE, VERDICT = 99, 109, 101, 103  # PDU addresses of 40100, 40110, 40102, 40104
ORDERS = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}
VALUES = {
    "int32": (">i", [-2_000_000_001, 70_000]),
    "uint32": (">I", [4_000_000_001, 7]),
    "float32": (">f", [101.5, -0.1]),
}


def words(format_, value, order):
    packed = struct.pack(format_, value)
    moved = bytes(packed[i] for i in ORDERS[order])
    return list(struct.unpack(">HH", moved))


def layout():
    """Registers of the holding table from 200 on, and the tags that a map needs to read them."""
    registers, tags, address = [], {}, 200
    for type_, (format_, values) in VALUES.items():
        for order in ORDERS:
            for index, value in enumerate(values):
                registers += words(format_, value, order)
                exact = struct.unpack(format_, struct.pack(format_, value))[0]
                tags[f"{type_}-{order.lower()}-{index}"] = {
                    "at": f"holding:{address}", "type": type_, "word-order": order, "value": exact,
                }
                address += 2
    for type_, value, word in [("int16", -123, 0xFF85), ("uint16", 65_413, 0xFF85), ("bool", True, 0x0008)]:
        at = f"holding:{address}" + (".3" if type_ == "bool" else "")
        registers.append(word)
        tags[f"{type_}-word"] = {"at": at, "type": type_, "value": value}
        address += 1
    registers.append(215)
    tags["scaled"] = {"at": f"holding:{address}", "type": "uint16", "scale": 0.1, "value": 21.5}
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
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "tags": tags}), flush=True)

    loop = asyncio.get_running_loop()
    count = 0
    while True:
        line = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
        if line in ("", "stop"):
            break
        count += 1
        force = words(">f", 100 + count / 4, "ABCD")
        for address, values in [(FORCE, force), (VERDICT, [2 if count % 3 == 0 else 1]), (COUNTER, [count])]:
            await server.async_setValues(7, 3, address, values)
        print(json.dumps({"cycle": count, "force": 100 + count / 4}), flush=True)
    await server.shutdown()


asyncio.run(main())
