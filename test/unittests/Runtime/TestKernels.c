/*===- TestKernels.c - The kernels of TestPlan.h ---------------------------===
 *
 * Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
 * See LICENSE for license information.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===----------------------------------------------------------------------===*/

#include <stdint.h>

enum { width = 4, vocab = 6, panel = 4 };

static float *row(int64_t memory, int64_t number) { return (float *)memory + number * width; }

/* rows, ids, table, x: x[i] = table[ids[i]] */
void embed(const int64_t *args, int64_t item, void *scratch) {
  int32_t id = ((const int32_t *)args[1])[item];
  for (int c = 0; c < width; ++c)
    row(args[3], item)[c] = row(args[2], id)[c];
}

/* rows, unused, index, x: x[index[i]] *= 2 */
void doubled(const int64_t *args, int64_t item, void *scratch) {
  int32_t index = ((const int32_t *)args[2])[item];
  for (int c = 0; c < width; ++c)
    row(args[3], index)[c] *= 2;
}

/* rows, index, x: x[index[i]] *= -3 */
void times_minus_three(const int64_t *args, int64_t item, void *scratch) {
  int32_t index = ((const int32_t *)args[1])[item];
  for (int c = 0; c < width; ++c)
    row(args[2], index)[c] *= -3;
}

/* rows, x, y: y[i] = x[i] + 1, by way of 100 bytes of scratch memory */
void add_one(const int64_t *args, int64_t item, void *scratch) {
  for (int i = 0; i < 25; ++i)
    ((float *)scratch)[i] = row(args[1], item)[i % width] + 1;
  for (int c = 0; c < width; ++c)
    row(args[2], item)[c] = ((float *)scratch)[20 + c];
}

/* rows, y, x: x[i] += 2 y[i] */
void add_twice(const int64_t *args, int64_t item, void *scratch) {
  for (int c = 0; c < width; ++c)
    row(args[2], item)[c] += 2 * row(args[1], item)[c];
}

/* selected, select, x, head in panels, logits */
void head(const int64_t *args, int64_t item, void *scratch) {
  const float *x = row(args[2], ((const int32_t *)args[1])[item]);
  float *logits = (float *)args[4] + item * vocab;
  for (int v = 0; v < vocab; ++v) {
    const float *weights = (const float *)args[3] + v / panel * width * panel + v % panel;
    logits[v] = 0;
    for (int c = 0; c < width; ++c)
      logits[v] += x[c] * weights[c * panel];
  }
}
