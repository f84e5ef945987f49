# Finds what the project is built on. Debian puts LLVM/MLIR 22 where a plain
# find_package does not look, so its prefix is added here.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
find_package(MLIR 22.1 REQUIRED CONFIG)
message(STATUS "Using MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
# Not find_package: Debian's libzip config names tools that libzip-dev does not bring.
find_path(LIBZIP_INCLUDE_DIR zip.h REQUIRED)
find_library(LIBZIP_LIBRARY zip REQUIRED)
add_library(libzip::zip UNKNOWN IMPORTED)
set_target_properties(libzip::zip PROPERTIES
  IMPORTED_LOCATION ${LIBZIP_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LIBZIP_INCLUDE_DIR})
find_package(FlatBuffers REQUIRED)
find_package(GTest REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_program(FLATC flatc REQUIRED)
find_program(FLOWHN_LIT NAMES lit PATHS ${LLVM_TOOLS_BINARY_DIR} NO_DEFAULT_PATH REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# lld as a library: archives, without a CMake package that names the dylib.
find_library(LLD_ELF_LIBRARY lldELF PATHS ${LLVM_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)
find_library(LLD_COMMON_LIBRARY lldCommon PATHS ${LLVM_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)
