#!/usr/bin/env python3
"""Prints a piece of code of a page, for the check to run: `docs.py PAGE MARK LANGUAGE`.

It is the first one in LANGUAGE after the comment `<!-- MARK: run by shells/c/check -->`.
"""

import sys

page, mark, language = sys.argv[1:]
text = open(page, encoding="utf-8").read()
_, found, rest = text.partition(f"<!-- {mark}: run by shells/c/check -->\n")
_, begun, code = rest.partition(f"```{language}\n")
code, ended, _ = code.partition("\n```")
if not (found and begun and ended):
    sys.exit(f"docs: {page} has no piece of {language} marked {mark}")
print(code)
