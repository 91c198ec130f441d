# MILLRACE_SANITIZE: address and thread go on everything in this tree (a program is either
# instrumented or not) and exclude each other; undefined only on the targets that ask for it, because
# it doubles the time to compile.
# Instrumented code is compiled at -O1: readable stacks at a bearable speed.
string(REPLACE "," ";" millrace_sanitizers "${MILLRACE_SANITIZE}")
foreach(name IN LISTS millrace_sanitizers)
  if(NOT name MATCHES "^(address|thread|undefined)$")
    message(FATAL_ERROR "MILLRACE_SANITIZE: '${name}' is neither address, thread nor undefined")
  endif()
endforeach()

if(millrace_sanitizers)
  add_compile_options(-O1 -g1 -fno-omit-frame-pointer)
  list(JOIN millrace_sanitizers "," joined)
  add_link_options(-fsanitize=${joined})
endif()
foreach(name IN ITEMS address thread)
  if(name IN_LIST millrace_sanitizers)
    add_compile_options(-fsanitize=${name})
  endif()
endforeach()

# Effect: undefined behaviour in this target ends the program with a message, if asked for.
function(millrace_undefined_sanitizer target)
  if("undefined" IN_LIST millrace_sanitizers)
    target_compile_options(${target} PRIVATE -fsanitize=undefined -fno-sanitize-recover=all)
  endif()
endfunction()
