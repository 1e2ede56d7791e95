#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prints a patch of 100 MB in which few files mention TLB maintenance, to measure `bench-host review` with."""

LINES = "".join(f"+int some_variable_name_{n} = {n}; /* text to fill the line */\n" for n in range(400))
FLUSH = """--- a/hyp/tlb{n}.S
+++ b/hyp/tlb{n}.S
@@ -40,6 +40,6 @@ flush_local:
 flush_local:
-\tdsb\tsy
+\tdsb\tnshst
 \ttlbi\talle2
-\tdsb\tsy
+\tdsb\tnsh
 \tisb
 \tret
"""

size = 0
number = 0
while size < 100_000_000:
    path = f"drivers/group{number // 10}/file{number}.c"
    text = f"--- a/{path}\n+++ b/{path}\n@@ -1,2 +1,402 @@\n int a;\n{LINES} int b;\n"
    if number % 500 == 0:
        text += FLUSH.format(n=number)
    print(text, end="")
    size += len(text)
    number += 1
