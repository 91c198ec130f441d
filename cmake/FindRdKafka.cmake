# Finds librdkafka's C library by pkg-config and defines RdKafka::rdkafka.
# Installed beside millraceConfig.cmake, because a static millrace must be linked with it.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_RDKAFKA QUIET rdkafka)
endif()

find_path(RdKafka_INCLUDE_DIR librdkafka/rdkafka.h HINTS ${PC_RDKAFKA_INCLUDE_DIRS})
find_library(RdKafka_LIBRARY rdkafka HINTS ${PC_RDKAFKA_LIBRARY_DIRS})

# The version in the header, 0xMMmmrrxx, is right even where pkg-config is missing.
if(RdKafka_INCLUDE_DIR)
  file(STRINGS "${RdKafka_INCLUDE_DIR}/librdkafka/rdkafka.h" RdKafka_VERSION_LINE
    REGEX "^#define RD_KAFKA_VERSION +0x[0-9a-fA-F]+" LIMIT_COUNT 1)
  if(RdKafka_VERSION_LINE MATCHES "0x(..)(..)(..)")
    math(EXPR RdKafka_MAJOR "0x${CMAKE_MATCH_1}")
    math(EXPR RdKafka_MINOR "0x${CMAKE_MATCH_2}")
    math(EXPR RdKafka_PATCH "0x${CMAKE_MATCH_3}")
    set(RdKafka_VERSION "${RdKafka_MAJOR}.${RdKafka_MINOR}.${RdKafka_PATCH}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RdKafka
  REQUIRED_VARS RdKafka_LIBRARY RdKafka_INCLUDE_DIR
  VERSION_VAR RdKafka_VERSION
  REASON_FAILURE_MESSAGE "install librdkafka's development files (Debian: librdkafka-dev)")
mark_as_advanced(RdKafka_INCLUDE_DIR RdKafka_LIBRARY)

if(RdKafka_FOUND AND NOT TARGET RdKafka::rdkafka)
  add_library(RdKafka::rdkafka UNKNOWN IMPORTED)
  set_target_properties(RdKafka::rdkafka PROPERTIES
    IMPORTED_LOCATION "${RdKafka_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${RdKafka_INCLUDE_DIR}")
endif()
