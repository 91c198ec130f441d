# millrace_layer(NAME [BELOW layer...] [SOURCES file...])
#
# One static library millrace_NAME. Its own folder is searched for quoted includes only (-iquote),
# so a private assert.h never stands in for the system's; the include/ folders of the layers BELOW
# arrive by linking. Nothing else is searched: an include that points up does not compile.
function(millrace_layer name)
  cmake_parse_arguments(ARG "" "" "BELOW;SOURCES" ${ARGN})
  set(target millrace_${name})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES "${CMAKE_CURRENT_BINARY_DIR}/empty.cc")
    file(CONFIGURE OUTPUT "${ARG_SOURCES}" CONTENT "")
  endif()
  add_library(${target} STATIC ${ARG_SOURCES})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE "SHELL:-iquote ${CMAKE_CURRENT_SOURCE_DIR}")
  target_include_directories(${target} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/include")
  foreach(below IN LISTS ARG_BELOW)
    target_link_libraries(${target} PUBLIC millrace_${below})
  endforeach()
  millrace_warnings(${target})
endfunction()
