"""Prints a model of N rotating blocks, each a split, two branches and a fuse.

usage: rotating_blocks.py N
"""

import sys

TOKENS = "tensor<?x?x8xf32>"
ROWS = "tensor<?xi32>"
WEIGHT = "tensor<8x8xf32>"


def linear(result, tokens, weight):
    return f"{result} = flowhn.linear {tokens} [{weight}] : ({TOKENS}, {WEIGHT}) -> {TOKENS}"


def branch(kind, tokens, parameter):
    return f"""{kind} {{
        %w = flowhn.get_parameter @{parameter} : {WEIGHT}
        {linear("%y", tokens, "%w")}
        flowhn.yield %y : {TOKENS}
      }}"""


def block(index):
    source = f"%x{index}"
    return f"""
    %x{index + 1} = flowhn.block {index}({source}) {{
      %a, %ab, %al, %s, %sb, %sl = flowhn.split {source} at(%begin, %length) block {index} : {TOKENS}, {ROWS}
      %b:2 = flowhn.parallel -> {TOKENS}, {TOKENS} {{
      {branch("attention", "%a", f"attention.{index}")}
      {branch("ssm", "%s", f"ssm.{index}")}
      }}
      %p = flowhn.get_parameter @project.{index} : {WEIGHT}
      %f = flowhn.fuse tokens(%b#0, %b#1) project(%p) at(%begin, %length) block {index} : ({TOKENS}, {TOKENS}, {WEIGHT}, {ROWS}, {ROWS}) -> {TOKENS}
      flowhn.yield %f : {TOKENS}
    }} : {TOKENS}"""


def main():
    count = int(sys.argv[1])
    print("flowhn.model @rotating split<fac, rotate, context = 64, attention_tokens = [39]> {")
    for index in range(count):
        for name in ("attention", "ssm", "project"):
            print(f"  flowhn.parameter @{name}.{index} : {WEIGHT}")
    print(f"  func.func @forward(%x0: {TOKENS}, %begin: {ROWS}, %length: {ROWS}) -> {TOKENS} {{")
    print("".join(block(index) for index in range(count)))
    print(f"    return %x{count} : {TOKENS}\n  }}\n}}")


main()
