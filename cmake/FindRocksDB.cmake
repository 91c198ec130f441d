# Finds RocksDB's shared library and defines RocksDB::rocksdb. RocksDB's own package file is not used:
# it asks for the development files of every compression library that RocksDB was built with, which
# whoever links the shared library does not need. Installed beside millraceConfig.cmake.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_ROCKSDB QUIET rocksdb)
endif()

find_path(RocksDB_INCLUDE_DIR rocksdb/version.h HINTS ${PC_ROCKSDB_INCLUDE_DIRS})
find_library(RocksDB_LIBRARY rocksdb HINTS ${PC_ROCKSDB_LIBRARY_DIRS})

if(RocksDB_INCLUDE_DIR)
  foreach(part IN ITEMS MAJOR MINOR PATCH)
    file(STRINGS "${RocksDB_INCLUDE_DIR}/rocksdb/version.h" RocksDB_${part}_LINE
      REGEX "^#define ROCKSDB_${part} +[0-9]+" LIMIT_COUNT 1)
    string(REGEX MATCH "[0-9]+$" RocksDB_${part} "${RocksDB_${part}_LINE}")
  endforeach()
  set(RocksDB_VERSION "${RocksDB_MAJOR}.${RocksDB_MINOR}.${RocksDB_PATCH}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RocksDB
  REQUIRED_VARS RocksDB_LIBRARY RocksDB_INCLUDE_DIR
  VERSION_VAR RocksDB_VERSION
  REASON_FAILURE_MESSAGE "install RocksDB's development files (Debian: librocksdb-dev)")
mark_as_advanced(RocksDB_INCLUDE_DIR RocksDB_LIBRARY)

if(RocksDB_FOUND AND NOT TARGET RocksDB::rocksdb)
  add_library(RocksDB::rocksdb UNKNOWN IMPORTED)
  set_target_properties(RocksDB::rocksdb PROPERTIES
    IMPORTED_LOCATION "${RocksDB_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${RocksDB_INCLUDE_DIR}")
endif()
