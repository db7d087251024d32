"""The line's page as a person with a phone and one at a desk see it.

edge_page.py URL: prints one line of JSON with what was found; exit status 1 if something is wrong.
"""

import json
import re
import sys

from playwright.sync_api import sync_playwright


def look(browser, url, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url, wait_until="load")
    found = {
        "width": width,
        "heading": page.inner_text("h1"),
        "scrolls": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
        "tallest_row": page.evaluate("Math.max(0, ...[...document.querySelectorAll('tr')].map(r => r.offsetHeight))"),
        "hidden_columns": page.evaluate(
            "[...document.querySelectorAll('.wide')].filter(w => w.scrollWidth > w.clientWidth).length"
        ),
        "errors": errors,
        "times": page.evaluate("[...document.querySelectorAll('time')].map(t => [t.innerText, t.title])"),
    }
    page.close()
    return found


def wrong(found):
    if found["scrolls"] or found["hidden_columns"]:
        yield "the page is wider than the screen"
    if found["tallest_row"] > 260:
        yield "a row of a table is %d pixels high" % found["tallest_row"]
    if found["errors"]:
        yield "the browser complains: %s" % found["errors"]
    if not found["times"]:
        yield "there is no time on the page"
    for text, exact in found["times"]:
        if not re.fullmatch(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d( \S+)?", text):
            yield "a time reads %r" % text
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", exact):
            yield "a time's exact form reads %r" % exact
    if re.search(r"\d\dT\d\d:", found["heading"]):
        yield "the heading has a time for programs: %r" % found["heading"]


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    seen = [look(browser, sys.argv[1], width, height) for width, height in ((390, 844), (1280, 900))]
    browser.close()

problems = ["%d px: %s" % (found["width"], problem) for found in seen for problem in wrong(found)]
print(json.dumps({"headings": [found["heading"] for found in seen], "problems": problems}))
sys.exit(1 if problems else 0)
