# embed.cmake - files as bytes of a C file: cmake -DOUT=FILE.c -DHEADER=H -DTYPE=T -DNAME=N -DFILES=a;b -P embed.cmake
#
# Writes  const T N[] = { { "a", bytes, count }, ..., { 0 } };  H declares them. Any C compiler reads it; an assembler's
# .incbin would need to be told of dependencies and paths.
set(arrays "")
set(rows "")
set(i 0)
foreach(file IN LISTS FILES)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  get_filename_component(name ${file} NAME)
  string(APPEND arrays "static const unsigned char file_${i}[] = {\n${bytes}\n};\n")
  string(APPEND rows "    { \"${name}\", file_${i}, sizeof file_${i} },\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT} "/* Made by cmake/embed.cmake. */\n#include \"${HEADER}\"\n\n${arrays}\nconst ${TYPE} ${NAME}[] = {\n${rows}    { 0 },\n};\n")
