"""A second opinion on GS1 element strings: biip reads each line of a file (hexadecimal digits) and says what it found.

One line of JSON a code: {"elements": [["01", "09506000134352"], …]} and, where biip finds something wrong, "wrong".
"""

import json
import sys

from biip import ParseError
from biip.gs1_messages import GS1Message


def opinion(text):
    try:
        message = GS1Message.parse(text)
    except ParseError as error:
        return {"elements": [], "wrong": str(error)}
    found = {"elements": [[each.ai.ai, each.value] for each in message.element_strings]}
    wrong = [
        error
        for each in message.element_strings
        for error in (each.gtin_error, each.gln_error, each.sscc_error)
        if error
    ]
    if wrong:
        found["wrong"] = wrong[0]
    return found


with open(sys.argv[1], encoding="ascii") as lines:
    for line in lines:
        print(json.dumps(opinion(bytes.fromhex(line.strip()).decode("latin-1"))))
