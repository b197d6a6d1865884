# clang.cmake - the toolchain of the presets clang and fuzz: clang 14, whose warnings and fuzzers are those that the tests
# were written with, or else whichever clang is there.
find_program(SUMI_CLANG REQUIRED
  NAMES clang-14 clang clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15)
set(CMAKE_C_COMPILER ${SUMI_CLANG})
