# Effect: our warnings on a target of ours; never on a user's.
function(millrace_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
  # In instrumented code g++ warns of overruns that are not there.
  if(MILLRACE_WERROR AND NOT MILLRACE_SANITIZE)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
