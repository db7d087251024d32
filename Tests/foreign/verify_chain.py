#!/usr/bin/env python3
"""Checks the hash chain of events: verify_chain.py FILE|URL [--previous HEX] [--head HEX] (token: $LOTLINE_TOKEN)

FILE holds one event a line ("-": standard input). A URL is a line PC's /v1/events, or a central's with incarnation=,
whose headers give both hashes and where the next part is. A line "#" with 64 hex digits stands for one held back.
"""
import argparse, hashlib, json, os, sys, urllib.request

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("where")
arguments.add_argument("--previous")
arguments.add_argument("--head")
given = arguments.parse_args()


def follow(lines, link, number):
    for line in lines:
        held = line.startswith(b"#") and len(line) == 65
        if not held:
            sequence = int(json.loads(line)["id"].split(":")[1])
            if number is not None and sequence != number:
                sys.exit(f"event {number} is missing: {sequence} stands in its place")
            number = sequence
        digest = bytes.fromhex(line[1:].decode()) if held else hashlib.sha256(line).digest()
        link = hashlib.sha256(link + digest).digest()
        number = None if number is None else number + 1
    return link, number


def part(url):
    request = urllib.request.Request(url, headers={"Accept": "application/x-ndjson"})
    if "LOTLINE_TOKEN" in os.environ:
        request.add_header("Authorization", "Bearer " + os.environ["LOTLINE_TOKEN"])
    with urllib.request.urlopen(request, timeout=90) as answer:
        return answer.read(), answer.headers


def compare(link, head):
    if head and link.hex() != head:
        sys.exit(f"the lines lead to {link.hex()}, not to {head}: something in them was altered")


if given.where.startswith("http"):
    count, link, url = 0, bytes.fromhex(given.previous) if given.previous else None, given.where
    while url:
        body, headers = part(url)
        if link is None or headers["Lotline-Lost"]:
            link = bytes.fromhex(headers["Lotline-Previous"])
        link, _ = follow(body.splitlines(), link, int(headers["Lotline-First"]))
        compare(link, headers["Lotline-Head"])
        count += len(body.splitlines())
        cursor = headers["Lotline-Next"]
        url = cursor and f"{given.where}&cursor={cursor}"
else:
    body = sys.stdin.buffer.read() if given.where == "-" else open(given.where, "rb").read()
    link, _ = follow(body.splitlines(), bytes.fromhex(given.previous or "00" * 32), None)
    count = len(body.splitlines())
compare(link, given.head)
print(json.dumps({"events": count, "head": link.hex()}))
