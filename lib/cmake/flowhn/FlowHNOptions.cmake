# Compiler flags, applied to every target of the project.
add_compile_options(-Wall -Wextra -Wno-unused-parameter -Wno-comment -fno-semantic-interposition)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives in LLVM's and FlatBuffers' headers under gcc 12.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-dangling-pointer)
elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Fields that are left out are zero; std::stable_sort of libstdc++ 12 is built on something deprecated.
  add_compile_options(-Wno-missing-field-initializers -Wno-deprecated-declarations)
endif()

if(FLOWHN_SANITIZERS)
  add_compile_options(-fsanitize=${FLOWHN_SANITIZERS} -fno-sanitize=vptr
                      -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${FLOWHN_SANITIZERS})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  # What it asks for where headers are precompiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${CCACHE_PROGRAM})
endif()
