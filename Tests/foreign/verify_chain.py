#!/usr/bin/env python3
"""Checks the hash chain of events: verify_chain.py FILE|URL [--previous HEX] [--head HEX] (token: $LOTLINE_TOKEN)

FILE holds one event a line ("-": standard input); a URL is a line PC's /v1/events, whose headers give both hashes.
"""
import argparse, hashlib, json, os, sys, urllib.request

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("where")
arguments.add_argument("--previous")
arguments.add_argument("--head")
given = arguments.parse_args()
if given.where.startswith("http"):
    request = urllib.request.Request(given.where, headers={"Accept": "application/x-ndjson"})
    if "LOTLINE_TOKEN" in os.environ:
        request.add_header("Authorization", "Bearer " + os.environ["LOTLINE_TOKEN"])
    with urllib.request.urlopen(request, timeout=90) as answer:
        body, headers = answer.read(), answer.headers
    previous, head, first = headers["Lotline-Previous"], headers["Lotline-Head"], int(headers["Lotline-First"])
else:
    body = sys.stdin.buffer.read() if given.where == "-" else open(given.where, "rb").read()
    previous, head, first = given.previous, given.head, None
link, number = bytes.fromhex(given.previous or previous or "00" * 32), first
for line in body.splitlines():
    held = line.startswith(b"#") and len(line) == 65
    if not held:
        sequence = int(json.loads(line)["id"].split(":")[1])
        if number is not None and sequence != number:
            sys.exit(f"event {number} is missing: {sequence} stands in its place")
        number = sequence
    link = hashlib.sha256(link + (bytes.fromhex(line[1:].decode()) if held else hashlib.sha256(line).digest())).digest()
    number = None if number is None else number + 1
if (given.head or head or link.hex()) != link.hex():
    sys.exit(f"the lines lead to {link.hex()}, not to {given.head or head}: something in them was altered")
print(json.dumps({"events": len(body.splitlines()), "head": link.hex()}))
