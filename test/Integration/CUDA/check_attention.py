#===- check_attention.py - Attention by warpgroups ---------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Attention that is told its number of rows, which warpgroups take, for check_kernels.py."""

import numpy as np

import ptx_interpreter as ptx
from check_sequence import Memory, attention_case, offsets_of
from kernel_harness import TOLERANCE, Outcome, Sweep, launch, relative_error

NOT_A_NUMBER = 0x7FFF
CHIPS = ["sm_90a"]


class PoisonedMemory(Memory):
    """Some rows hold what is not a number, in `columns`, others larger ones."""

    def __init__(self, seed, memory, poisoned, sizes, columns):
        super().__init__(seed, memory)
        self.poisoned, self.sizes, self.columns = poisoned, sizes, columns

    def rows(self, count, width):
        return super().rows(count, width, self.sizes[:, None])

    def put(self, array):
        if array.dtype == np.uint16 and array.any():
            array = array.copy()
            array[self.poisoned, self.columns] = NOT_A_NUMBER
        return super().put(array)


class WarpgroupCase:
    """A case of check_sequence.py; nothing of the sequences `poisoned` may reach the others. In
    sequence 0 rows from `lost` on are not numbers, or the one key `lost_key`, or from `grown` on
    rows are so many times as large."""

    def __init__(self, case, config="", poisoned=(), lost=None, grown=None, times=1, lost_key=None,
                 key_columns=slice(0, 0)):
        self.case, self.config = case, config
        self.columns = slice(None)
        self.lengths = case.lengths
        offsets = offsets_of(case.lengths)
        self.poisoned, self.sizes = np.zeros(offsets[-1], bool), np.ones(offsets[-1])
        for number in poisoned:
            self.poisoned[offsets[number]:offsets[number + 1]] = True
        self.lost = slice(0, 0) if lost is None else slice(lost, offsets[1])
        self.poisoned[self.lost] = True
        if lost_key is not None:
            # Queries from there on see it.
            self.lost, self.columns = slice(lost_key, offsets[1]), key_columns
            self.poisoned[lost_key] = True
        if grown is not None:
            self.sizes[grown:offsets[1]] = times

    def functions(self, name):
        text = self.case.functions(name)
        for old, new in [("%max: index", "%max: index, %rows: index"),
                         ("batch(%batch, %max)", "batch(%batch, %max) rows(%rows)"),
                         ("(index, index,", "(index, index, index,"),
                         ("{heads", f"{{{self.config}heads")]:
            text = text.replace(old, new, 1)
        return text

    def check(self, name, directory, runner):
        case, rows = self.case, sum(self.lengths)
        memory = PoisonedMemory(len(name), runner.memory(), self.poisoned, self.sizes, self.columns)
        out, expected = case.reference(memory)
        launch(runner, directory, name, memory.memory,
               [len(self.lengths), max(self.lengths), rows] + memory.pointers)
        stored = memory.memory.view(out, (rows, case.out_width), np.uint16)
        columns = slice(case.out_column, case.out_column + expected.shape[1])
        clean = ~self.poisoned
        clean[self.lost] = False
        values = ptx.bf2f(stored)[:, columns].astype(np.float64)
        error = relative_error(values[clean], expected[clean])
        if not np.isnan(values[self.lost]).all():
            error = np.inf
        outside = np.delete(stored, np.arange(case.out_width)[columns], axis=1)
        yield Outcome("", [("relative error", error, TOLERANCE)], not outside.any())


def config_of(**values):
    return f"config = {{{', '.join(f'{name} = {value}' for name, value in values.items())}}}, "


def case_of(*shape, config="", poisoned=(), lost=None, grown=None, times=1, lost_key=None,
            **options):
    head_size, heads, kv_heads = shape
    keys = options.get("extra", 0) + heads * head_size
    return WarpgroupCase(attention_case(*shape, **options), config, poisoned, lost, grown, times,
                         lost_key, slice(keys, keys + kv_heads * head_size))


HALVED = config_of(keys=64, residents=2, stages=3, warpgroups=2)

CASES = {
    "head_16": case_of(16, 4, 2, lengths=[37, 0, 1, 150, 16]),
    "head_24": case_of(24, 4, 2, lengths=[37, 0, 1, 150, 16]),
    "head_72": case_of(72, 1, 1, lengths=[130, 3]),
    "head_32": case_of(32, 2, 1, extra=8, out_width=67, lengths=[129, 1]),
    "head_64": case_of(64, 3, 1, extra=8, out_width=200, lengths=[37, 0, 1, 150, 16]),
    "head_64_long": case_of(64, 1, 1, lengths=[577, 7]),
    "head_64_poisoned": case_of(64, 1, 1, lengths=[150, 90, 128, 1, 330, 3],
                                poisoned=[1, 3, 5]),
    # Weights far above those of the first block of keys: that fit in a float, and that do not, in
    # one of a block's tiles and in several; and what is not a number there.
    "head_32_grown": case_of(32, 2, 1, lengths=[300, 70], grown=140, times=5),
    "head_24_overflown": case_of(24, 2, 1, lengths=[500, 70], grown=420, times=16),
    "head_64_overflown": case_of(64, 2, 1, lengths=[577, 7], grown=100, times=16),
    "head_32_lost": case_of(32, 2, 1, lengths=[450, 30], lost=320),
    # A key that is not a number while its value is one; scores that are all far apart.
    "head_32_lost_key": case_of(32, 2, 1, lengths=[310, 30], lost_key=80 + 57),
    "head_24_vanished": case_of(24, 2, 1, lengths=[300, 70], grown=0, times=6),
    "head_96": case_of(96, 2, 1, lengths=[140, 3]),
    "head_128": case_of(128, 2, 1, lengths=[300, 3]),
    "head_256": case_of(256, 1, 1, lengths=[200, 3]),
    "head_256_poisoned": case_of(256, 1, 1, lengths=[90, 40, 1], poisoned=[1]),
    "two_warpgroups": case_of(64, 1, 1, lengths=[450, 7],
                              config=config_of(keys=128, stages=2, warpgroups=2)),
    "one_warpgroup": case_of(64, 1, 1, lengths=[200, 7],
                             config=config_of(keys=64, stages=3, warpgroups=1)),
    # Keys and values that share barriers.
    "small_three_warpgroups": case_of(24, 2, 1, lengths=[300, 7],
                                      config=config_of(keys=128, stages=3, warpgroups=3)),
    "small_one_warpgroup": case_of(32, 1, 1, lengths=[150, 7],
                                   config=config_of(keys=48, stages=2, warpgroups=1)),
    # Blocks that have half of a multiprocessor each.
    "halved": case_of(24, 2, 1, lengths=[300, 7], config=HALVED),
}

REAL_CASES = {
    f"real_{head}_{batch}x{length}": lambda head=head, batch=batch, length=length: case_of(
        head, heads, heads // 4, lengths=[length] * batch)
    for head, heads in [(24, 16), (32, 16), (64, 8), (128, 4)]
    for batch, length in [(8, 1024), (8, 567), (1, 4096)]
}

# At and around tiles and blocks of keys, with empty rows.
SEQUENCES = [[1], [0], [0, 0, 5], [7], [63, 64, 65], [127, 128, 129], [191, 192, 193],
             [255, 256, 257],
             [37, 0, 1, 150, 16], [577]]


def sweep(*shape, **options):
    return Sweep(lambda lengths: case_of(*shape, lengths=lengths, **options), SEQUENCES)


SWEEPS = {
    "head_24": sweep(24, 4, 2),
    "head_32": sweep(32, 2, 1, extra=8, out_width=67),
    "head_64": sweep(64, 3, 1, extra=8, out_width=200),
    "head_96": sweep(96, 1, 1),
    "head_128": sweep(128, 2, 1),
    "head_256": sweep(256, 1, 1),
    "two_warpgroups": sweep(64, 1, 1, config=config_of(keys=128, stages=2, warpgroups=2)),
    "halved": sweep(32, 2, 1, extra=8, out_width=67, config=HALVED),
}
