#!/usr/bin/env python3
"""Digests the lines of one incarnation in their order, each with its newline.

lines_digest.py FILE [COUNT]                    of a line PC's queue that nobody has open
lines_digest.py URL INCARNATION COUNT           of a central: the first COUNT lines; those behind them are counted
Prints {"incarnation", "lines", "sha256", "all"}; ends with status 1 where a number is missing or comes twice.
It knows nothing of chains: the numbers in the ids and the bytes alone.
"""
import hashlib, json, os, re, sqlite3, sys, urllib.request


def of_queue(path):
    file = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    for (line,) in file.execute("SELECT line FROM events ORDER BY key"):
        yield bytes(line)


def of_central(url, incarnation):
    cursor = ""
    while cursor is not None:
        where = f"{url}/v1/events?incarnation={incarnation}&limit=1000" + (cursor and f"&cursor={cursor}")
        request = urllib.request.Request(where, headers={"Accept": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=90) as answer:
            yield from answer.read().splitlines()
            cursor = answer.headers["Lotline-Next"]


where = sys.argv[1]
lines = of_central(where, sys.argv[2]) if where.startswith("http") else of_queue(where)
wanted = int(sys.argv[-1]) if sys.argv[-1].isdigit() else None
digest, count, incarnation = hashlib.sha256(), 0, None
name = re.compile(rb'"id":"([0-9a-f]{32}):([0-9]+)"')
for line in lines:
    life, number = name.search(line).groups()
    incarnation = incarnation or life
    count += 1
    if life != incarnation or int(number) != count:
        sys.exit(f"{life.decode()}:{number.decode()} stands where event {count} of {incarnation.decode()} should")
    if wanted is None or count <= wanted:
        digest.update(line + b"\n")
print(json.dumps({
    "incarnation": incarnation.decode(), "lines": min(count, wanted or count), "sha256": digest.hexdigest(), "all": count}))
