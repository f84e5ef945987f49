#===- shared_memory.py - The shared memory of an interpreted block ----------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Finds accesses to shared memory that are out of bounds or not ordered before one another.

Who accesses is an agent: a warp, what a warp started and has not waited for (copies to
shared memory, products, stores from shared memory), or the bulk copies that complete on a
barrier. Every agent counts its own time, and a warp knows of each agent up to which time it
has happened before the warp's next access: vector clocks, passed on by barriers and waits.
Lanes of a warp are in order.
"""

import numpy as np

GRANULE = 2  # bytes: the smallest access
MAX_BARRIERS = 64
PROXY_AGENTS = 3  # agents of a warp beside itself


class Fault(Exception):
    """What no correct kernel does."""


class SharedMemory:
    def __init__(self, warps, limit, size, blocks=1):
        """Of a block of `warps`, which those of all `blocks` of its cluster may access."""
        warps *= blocks
        self.warps, self.limit = warps, limit
        self.bytes = np.full(size, 0xFF, np.uint8)  # not a number, until it is written
        readers = (1 + PROXY_AGENTS) * warps
        self.writer = np.zeros(size // GRANULE, np.int16)
        self.written = np.zeros(size // GRANULE, np.int32)
        self.added = np.zeros(size // GRANULE, bool)  # written last by an atomic addition
        self.read_times = np.zeros((size // GRANULE, readers), np.int32)
        self.known = np.zeros((warps, readers + MAX_BARRIERS), np.int32)
        self.known[np.arange(warps), np.arange(warps)] = 1
        self.fenced = np.zeros(warps, np.int32)  # generic writes that the other proxy sees
        self.barriers = 0
        self.races = []

    # Agents.
    def copies(self, warp):
        return self.warps + warp

    def products(self, warp):
        return 2 * self.warps + warp

    def stores(self, warp):
        return 3 * self.warps + warp

    def new_barrier(self):
        self.barriers += 1
        if self.barriers > MAX_BARRIERS:
            raise Fault(f"more than {MAX_BARRIERS} barriers in shared memory")
        return (1 + PROXY_AGENTS) * self.warps + self.barriers - 1

    # What orders accesses.
    def tick(self, warp):
        """What the warp does from here on is not what it has published so far."""
        known = self.known[warp].copy()
        self.known[warp, warp] += 1
        return known

    def learn(self, warp, known):
        np.maximum(self.known[warp], known, out=self.known[warp])

    def wait(self, warp, agent, time):
        self.known[warp, agent] = max(self.known[warp, agent], time)

    def fence(self, warp):
        """What the warp has written, and what it knows that others have, the other proxy sees."""
        np.maximum(self.fenced, self.known[warp, : self.warps], out=self.fenced)
        self.known[warp, warp] += 1

    # Accesses.
    def granules(self, addresses, size):
        """Of `size` bytes at each address, in bounds."""
        addresses = np.asarray(addresses, np.int64).reshape(-1)
        if addresses.size and (addresses.min() < 0 or addresses.max() + size > self.limit):
            raise Fault(f"shared memory: {size} bytes at {addresses.min()} to {addresses.max()} "
                        f"of {self.limit}")
        first = addresses // GRANULE
        return (first[:, None] + np.arange(max(size // GRANULE, 1))).reshape(-1)

    def read(self, warp, addresses, size, agent=None, time=None):
        """`agent`, other than the warp, reads up to its `time` on the warp's behalf."""
        g = self.granules(addresses, size)
        writer, written = self.writer[g], self.written[g]
        self.report((written > self.known[warp, writer]), g, "read before it is known to be written")
        if agent is None:
            agent, time = warp, self.known[warp, warp]
        else:
            generic = writer < self.warps
            unfenced = written > self.fenced[np.where(generic, writer, 0)]
            self.report(generic & unfenced, g, "read by the other proxy without a fence")
        self.read_times[g, agent] = time

    def write(self, warp, addresses, size, agent=None, time=None):
        g = self.granules(addresses, size)
        self.report(self.written[g] > self.known[warp, self.writer[g]], g, "written by two at a time")
        read = self.read_times[g] > self.known[warp, :self.read_times.shape[1]]
        self.report(read.any(axis=1), g, "overwritten while it may still be read")
        self.added[g] = False
        self.writer[g] = warp if agent is None else agent
        self.written[g] = self.known[warp, warp] if agent is None else time

    def add(self, warp, addresses, size):
        """Additions that are atomic are not ordered among themselves."""
        g = self.granules(addresses, size)
        unknown = self.written[g] > self.known[warp, self.writer[g]]
        self.report(unknown & ~self.added[g], g, "added to before it is known to be written")
        read = self.read_times[g] > self.known[warp, :self.read_times.shape[1]]
        self.report(read.any(axis=1), g, "added to while it may still be read")
        self.added[g] = True
        self.writer[g] = warp
        self.written[g] = self.known[warp, warp]

    def report(self, racing, granules, what):
        if racing.any():
            self.races.append(f"shared memory at {granules[racing][0] * GRANULE}: {what}")
