# cmake --install: tools, both libraries, headers (with the generated ones and the
# TableGen sources), and a package for find_package(FlowHN) with the targets
# FlowHN::Runtime and, where MLIR 22 is found, FlowHN::Compiler. With
# --component Runtime only the programs and the library that need no LLVM.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/FlowHN)
foreach(library Runtime Compiler)
  set_target_properties(FlowHN${library} PROPERTIES EXPORT_NAME ${library})
  install(TARGETS FlowHN${library} EXPORT FlowHN${library}Targets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${library})
  install(EXPORT FlowHN${library}Targets NAMESPACE FlowHN:: DESTINATION ${package_dir})
endforeach()

set(headers FILES_MATCHING PATTERN *.h PATTERN *.inc PATTERN *.td PATTERN *.fbs PATTERN CMakeFiles EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/flowhn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${headers})
install(DIRECTORY ${PROJECT_BINARY_DIR}/include/flowhn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${headers})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/flowhn)

configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/FlowHNConfig.cmake.in ${PROJECT_BINARY_DIR}/FlowHNConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FlowHNConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/FlowHNConfig.cmake ${PROJECT_BINARY_DIR}/FlowHNConfigVersion.cmake
        DESTINATION ${package_dir})
