# Installs the one library, the four include trees merged into one, and the package files.
include(CMakePackageConfigHelpers)

install(TARGETS millrace EXPORT millraceTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(layer IN ITEMS core statestore streams dsl)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${layer}/include")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${layer}/include/"
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)
install(EXPORT millraceTargets NAMESPACE millrace:: DESTINATION ${package_dir})
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/millraceConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/millraceConfig.cmake" INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/millraceConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/millraceConfig.cmake"
  "${PROJECT_BINARY_DIR}/millraceConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindRdKafka.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindRocksDB.cmake"
  DESTINATION ${package_dir})

file(RELATIVE_PATH millrace_prefix_from_pc
  "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/millrace.pc.in" "${PROJECT_BINARY_DIR}/millrace.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/millrace.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
