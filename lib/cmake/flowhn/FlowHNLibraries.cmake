# Two shared libraries hold everything: libFlowHNRuntime (no LLVM) and
# libFlowHNCompiler (links libMLIR and libFlowHNRuntime). Each directory of lib/
# contributes one object library to one of them, so every process has exactly
# one copy of MLIR and one copy of each dialect.

define_property(GLOBAL PROPERTY FLOWHN_RUNTIME_COMPONENTS BRIEF_DOCS "object libraries of libFlowHNRuntime" FULL_DOCS "object libraries of libFlowHNRuntime")
define_property(GLOBAL PROPERTY FLOWHN_COMPILER_COMPONENTS BRIEF_DOCS "object libraries of libFlowHNCompiler" FULL_DOCS "object libraries of libFlowHNCompiler")

# Reading headers takes far longer than compiling what includes them: clang reads them once, for
# each kind of sources. (gcc's precompiled headers take over a gigabyte.)
# flowhn_add_headers(NAME FILE includes...)
function(flowhn_add_headers name file)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  set(folder ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
  add_library(${name} OBJECT ${folder}/PrecompiledHeaders.cpp)
  target_include_directories(${name} SYSTEM PRIVATE ${ARGN})
  # Without its time of writing, ccache knows the result again.
  target_compile_options(${name} PRIVATE -fPIC "SHELL:-Xclang -fno-pch-timestamp")
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_precompile_headers(${name} PRIVATE ${folder}/${file})
endfunction()
flowhn_add_headers(FlowHNMLIRHeaders MLIRHeaders.h ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
flowhn_add_headers(FlowHNRuntimeHeaders RuntimeHeaders.h)
flowhn_add_headers(FlowHNToolHeaders ToolHeaders.h)
flowhn_add_headers(FlowHNTestHeaders TestHeaders.h)
if(TARGET FlowHNTestHeaders)
  target_link_libraries(FlowHNTestHeaders PRIVATE GTest::gtest) # for its definitions
endif()

# flowhn_use_headers(NAME HEADERS): the target's sources find the headers read already.
function(flowhn_use_headers name headers)
  if(TARGET ${headers})
    target_precompile_headers(${name} REUSE_FROM ${headers})
    # The headers were compiled for a library, and programs have to be compiled alike.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
endfunction()

# flowhn_include_mlir(NAME): the sources of the target may include MLIR's headers.
function(flowhn_include_mlir name)
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  flowhn_use_headers(${name} FlowHNMLIRHeaders)
endfunction()

# flowhn_add_runtime_component(NAME sources... [DEPENDS targets...])
function(flowhn_add_runtime_component name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_library(${name} OBJECT ${ARG_UNPARSED_ARGUMENTS})
  flowhn_use_headers(${name} FlowHNRuntimeHeaders)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY FLOWHN_RUNTIME_COMPONENTS ${name})
endfunction()

# flowhn_add_compiler_component(NAME sources... [DEPENDS targets...])
# DEPENDS names the TableGen targets whose output the sources include.
function(flowhn_add_compiler_component name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_library(${name} OBJECT ${ARG_UNPARSED_ARGUMENTS})
  flowhn_include_mlir(${name})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY FLOWHN_COMPILER_COMPONENTS ${name})
endfunction()

# flowhn_add_tool(NAME sources... [COMPILER] [MLIR]): a program over the runtime library and, with
# COMPILER, the compiler library; with MLIR it may include MLIR's headers. `cmake --install --component Runtime` installs those that
# need no LLVM, with their library.
function(flowhn_add_tool name)
  cmake_parse_arguments(ARG "COMPILER;MLIR" "" "" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_MLIR)
    flowhn_include_mlir(${name})
  else()
    flowhn_use_headers(${name} FlowHNToolHeaders)
  endif()
  set(library Runtime)
  if(ARG_COMPILER)
    set(library Compiler)
    target_link_libraries(${name} PRIVATE FlowHNCompiler)
  endif()
  target_link_libraries(${name} PRIVATE FlowHNRuntime)
  install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${library})
  set_property(GLOBAL APPEND PROPERTY FLOWHN_TOOLS ${name})
endfunction()

# flowhn_add_unittest(NAME sources... [COMPILER]): one GoogleTest program, run by
# ctest, over the runtime library and, with COMPILER, the compiler library.
function(flowhn_add_unittest name)
  cmake_parse_arguments(ARG "COMPILER" "" "" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE FlowHNRuntime GTest::gtest GTest::gtest_main)
  if(ARG_COMPILER)
    target_link_libraries(${name} PRIVATE FlowHNCompiler)
    flowhn_include_mlir(${name})
  else()
    flowhn_use_headers(${name} FlowHNTestHeaders)
  endif()
  target_compile_definitions(${name} PRIVATE FLOWHN_TEST_INPUTS="${PROJECT_SOURCE_DIR}/test/Inputs")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/unittests)
  add_test(NAME ${name} COMMAND ${name})
  # Allocators that LLVM's libraries share with ours mark memory only where code is sanitized.
  set_tests_properties(${name} PROPERTIES ENVIRONMENT ASAN_OPTIONS=allow_user_poisoning=0)
  set_property(GLOBAL APPEND PROPERTY FLOWHN_TEST_PROGRAMS ${name})
endfunction()
