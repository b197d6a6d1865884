# flags.cmake - the compiler's and linker's flags of everything that is ours: sumi_flags, to be linked PRIVATE.
#
# No -march: one binary runs on every machine of its architecture, and only the files of an instruction set's folder get
# its flags. Contraction is off so that a sum has the same bits whichever compiler made it; kernels that want an FMA say
# so with an intrinsic.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(sumi_flags INTERFACE)
target_compile_options(sumi_flags INTERFACE
  -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -ffp-contract=off -fno-math-errno)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT SUMI_SANITIZE)
  # clang's warnings of this name are others: it would warn of assert(!"text"). What the undefined-behaviour sanitizer inserts
  # hides from gcc that a value fits.
  target_compile_options(sumi_flags INTERFACE -Wconversion)
endif()
target_compile_definitions(sumi_flags INTERFACE _GNU_SOURCE SUMI_VERSION="${PROJECT_VERSION}")
if(SUMI_WERROR)
  target_compile_options(sumi_flags INTERFACE -Werror)
endif()

# The same source gives the same bytes wherever it is built: no path of this machine in debugging data or in __FILE__.
target_compile_options(sumi_flags INTERFACE
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

if(SUMI_SANITIZE)
  target_compile_options(sumi_flags INTERFACE -fsanitize=${SUMI_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(sumi_flags INTERFACE -fsanitize=${SUMI_SANITIZE})
elseif(SUMI_HARDENING)
  # What a mistake in C may still do is limited: a smashed stack or an overrun of a buffer whose size the compiler knows ends
  # the process, calls go only to where functions begin (CET, BTI), and the linker's tables are read-only at run time.
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER HAVE${flag} have)
    check_c_compiler_flag("-Werror ${flag}" ${have})
    if(${have})
      target_compile_options(sumi_flags INTERFACE ${flag})
    endif()
  endforeach()
  # The C library checks sizes only in optimised builds, and warns elsewhere.
  target_compile_options(sumi_flags INTERFACE
    "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
  add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
if(SUMI_FUZZ)
  target_compile_options(sumi_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
