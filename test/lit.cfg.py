# Configuration of the lit tests.
import os
import subprocess

import lit.formats

config.name = "FlowHN"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Reference", "unittests", "Fuzz", "CMakeLists.txt"]
# Where nothing has been run yet, .lit_test_times.txt there says which tests take long: they start
# first, so that all cores end together.
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.flowhn_binary_dir, "test")

path = [config.flowhn_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
config.environment["PATH"] = os.pathsep.join(path)
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "HOME", "CUDA_HOME", "CUDA_PATH"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

# Nothing of the user's cache, and nothing into it.
config.environment["FLOWHN_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")

# Without --target the tools compile for a GPU where there is one: not in tests that say
# nothing of GPUs, whose results are then the same on every machine.
config.environment["CUDA_VISIBLE_DEVICES"] = ""

config.substitutions += [
    ("%python", config.python),
    ("%inputs", os.path.join(config.test_source_root, "Inputs")),
    ("%reference", os.path.join(config.test_source_root, "Reference")),
    ("%source", config.flowhn_source_dir),
    ("%binary", config.flowhn_binary_dir),
    ("%libs", config.flowhn_library_dir),
    ("%mlir_include", config.mlir_include_dir),
]

# Code for a level of x86-64 runs where the processor has the level's vectors.
with open("/proc/cpuinfo") as cpuinfo:
    flags = next((line.split() for line in cpuinfo if line.startswith("flags")), [])
if "avx2" in flags and "fma" in flags:
    config.available_features.add("x86-avx2")
if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags):
    config.available_features.add("x86-avx512")
if config.sanitizers:
    # LLVM's libraries, which are not sanitized, share allocators with ours, and keep what they have.
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0:detect_leaks=0"
else:
    config.available_features.add("unsanitized")
if subprocess.call([config.python, "-c", "import numpy"], stderr=subprocess.DEVNULL) == 0:
    config.available_features.add("numpy")
# Machine code for GPUs is made where the toolkit's assembler is.
roots = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
if any(root and os.access(os.path.join(root, "bin", "ptxas"), os.X_OK) for root in roots):
    config.available_features.add("ptxas")
