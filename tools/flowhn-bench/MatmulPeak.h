//===- MatmulPeak.h - What this machine's matmul reaches --------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_MATMULPEAK_H
#define FLOWHN_TOOLS_BENCH_MATMULPEAK_H

#include <string>
#include <sys/types.h>
#include <vector>

namespace flowhn::tools {

/// A float32 1024×768×768 matmul of OpenBLAS, as a yardstick. It runs in a process
/// of its own, forked before this one has threads: neither its threads nor its
/// memory show in what is measured here. OpenBLAS is made to use its AVX-512
/// kernels where the processor has AVX-512, its Haswell kernels elsewhere.
class MatmulPeak {
public:
  explicit MatmulPeak(int threads);
  ~MatmulPeak();
  MatmulPeak(const MatmulPeak &) = delete;
  MatmulPeak &operator=(const MatmulPeak &) = delete;

  /// Measures once more; call it before and after what is compared with it.
  void measure();

  bool available() const { return !rates.empty(); }
  /// FLOP/s over all measurements so far.
  double best() const;
  double median() const;
  /// "OpenBLAS SkylakeX, 2 threads", or why there is none.
  const std::string &description() const { return text; }

private:
  pid_t child = -1;
  int requests = -1;
  int answers = -1;
  std::vector<double> rates;
  std::string text = "libopenblas not found";
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_MATMULPEAK_H
