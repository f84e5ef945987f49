//===- MatmulPeak.cpp - What this machine's matmul reaches ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulPeak.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace flowhn::tools;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int m = 1024, n = 768, k = 768;
constexpr int runsPerRequest = 20;

/// One answer of the measuring process.
struct Sample {
  double rates[runsPerRequest];
  char core[32];
};

using Gemm = void (*)(int, int, int, int, int, int, float, const float *, int, const float *, int,
                      float, float *, int);

/// OpenBLAS, loaded at run time.
struct OpenBLAS {
  Gemm gemm = nullptr;
  void (*setThreads)(int) = nullptr;
  const char *(*coreName)() = nullptr;

  OpenBLAS() {
    setenv("OPENBLAS_CORETYPE", __builtin_cpu_supports("avx512f") ? "SKYLAKEX" : "HASWELL", 1);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library)
      return;
    gemm = reinterpret_cast<Gemm>(dlsym(library, "cblas_sgemm"));
    setThreads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
    coreName = reinterpret_cast<const char *(*)()>(dlsym(library, "openblas_get_corename"));
  }
  bool usable() const { return gemm && setThreads && coreName; }
};

/// Answers each byte from `requests` with a sample, until the pipe closes.
[[noreturn]] void serve(int threads, int requests, int answers) {
  OpenBLAS blas;
  char request;
  std::vector<float> a(m * k, 0.5f), b(k * n, 0.25f), c(m * n);
  while (blas.usable() && read(requests, &request, 1) == 1) {
    Sample sample = {};
    blas.setThreads(threads);
    std::string(blas.coreName()).copy(sample.core, sizeof(sample.core) - 1);
    for (int i = -2; i < runsPerRequest; ++i) {
      constexpr int rowMajor = 101, noTranspose = 111;
      Clock::time_point start = Clock::now();
      blas.gemm(rowMajor, noTranspose, noTranspose, m, n, k, 1, a.data(), k, b.data(), n, 0,
                c.data(), n);
      if (i >= 0)
        sample.rates[i] =
            2.0 * m * n * k / std::chrono::duration<double>(Clock::now() - start).count();
    }
    if (write(answers, &sample, sizeof(sample)) != sizeof(sample))
      break;
  }
  _exit(0);
}

} // namespace

MatmulPeak::MatmulPeak(int threads) {
  int request[2], answer[2];
  if (pipe(request) != 0)
    return;
  if (pipe(answer) != 0) {
    close(request[0]), close(request[1]);
    return;
  }
  // A measuring process without OpenBLAS ends, which a write must not turn into
  // the end of this one.
  std::signal(SIGPIPE, SIG_IGN);
  child = fork();
  if (child == 0) {
    close(request[1]), close(answer[0]);
    serve(threads, request[0], answer[1]);
  }
  close(request[0]), close(answer[1]);
  requests = request[1], answers = answer[0];
  text += ", " + std::to_string(threads) + " threads";
}

MatmulPeak::~MatmulPeak() {
  close(requests), close(answers);
  if (child > 0)
    waitpid(child, nullptr, 0);
}

void MatmulPeak::measure() {
  Sample sample;
  if (child < 0 || write(requests, "", 1) != 1 ||
      read(answers, &sample, sizeof(sample)) != sizeof(sample))
    return;
  if (rates.empty())
    text = std::string("OpenBLAS ") + sample.core + text.substr(text.find(','));
  // OpenBLAS' threads spin for a while before they sleep.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  rates.insert(rates.end(), std::begin(sample.rates), std::end(sample.rates));
}

double MatmulPeak::best() const { return *std::ranges::max_element(rates); }

double MatmulPeak::median() const {
  std::vector<double> sorted = rates;
  std::ranges::nth_element(sorted, sorted.begin() + sorted.size() / 2);
  return sorted[sorted.size() / 2];
}
