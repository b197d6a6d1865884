# levels.cmake - the levels of the instruction set: which folders are compiled, and with which flags. See src/base/os/cpu.h.
include(CheckCSourceCompiles)
check_c_source_compiles("
#ifndef __x86_64__
#error
#endif
int main(void) { return 0; }" SUMI_X86_64)
if(NOT SUMI_X86_64)
  message(STATUS "sumi: not x86-64: the level ref only")
  list(FILTER SUMI_SOURCES EXCLUDE REGEX "/(avx2|avxvnni|avx512|amx)/")
  return()
endif()
set(AVX2_FLAGS -mavx2 -mfma -mf16c -mbmi2)
set(AVXVNNI_FLAGS ${AVX2_FLAGS} -mavxvnni)
set(AVX512_FLAGS ${AVX2_FLAGS} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mprefer-vector-width=512)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # Without optimisation intrinsics of AVX-512 are macros that convert their masks between signed and unsigned.
  list(APPEND AVX512_FLAGS -Wno-sign-conversion)
endif()
set(AMX_FLAGS ${AVX512_FLAGS} -mamx-tile -mamx-int8)
if(SUMI_FUZZ)
  # No fuzz target computes with these, and clang takes minutes to instrument their unrolled loops; asan checks them.
  list(APPEND AVX2_FLAGS -fno-sanitize=all)
  list(APPEND AVXVNNI_FLAGS -fno-sanitize=all)
  list(APPEND AVX512_FLAGS -fno-sanitize=all)
  list(APPEND AMX_FLAGS -fno-sanitize=all)
endif()
foreach(src IN LISTS SUMI_SOURCES)
  if(src MATCHES "/avx2/")
    set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "${AVX2_FLAGS}")
  elseif(src MATCHES "/avxvnni/")
    set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "${AVXVNNI_FLAGS}")
  elseif(src MATCHES "/avx512/")
    set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "${AVX512_FLAGS}")
  elseif(src MATCHES "/amx/")
    set_source_files_properties(${src} PROPERTIES COMPILE_OPTIONS "${AMX_FLAGS}")
  endif()
endforeach()
