#===- interrupt.py - Interrupts a program that answers ---------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Runs a program, gives it two lines, and interrupts each answer once it has begun."""

import signal
import subprocess
import sys

program = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, bufsize=1)
for line in ("1,2\n", "\n"):
    program.stdin.write(line)
    program.stdin.flush()
    assert program.stdout.read(1), "an answer begins"
    program.send_signal(signal.SIGINT)
    program.stdout.readline()
_, messages = program.communicate()
assert program.returncode == 0, program.returncode
assert messages.count("note: interrupted after") == 2, messages
