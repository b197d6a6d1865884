# install.cmake - what `cmake --install` puts where: program, libraries, header, pkg-config file, manual, completion.

# The pkg-config file finds its prefix from where it lies, so the installed tree may be moved.
set(SUMI_PC ${PROJECT_BINARY_DIR}/sumi.pc)
file(RELATIVE_PATH SUMI_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" SUMI_PC_TO_PREFIX ${SUMI_PC_TO_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/sumi.pc.in ${SUMI_PC} @ONLY)

install(TARGETS sumi sumi_shared sumi_static
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/sumi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${SUMI_PC} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES docs/sumi.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES scripts/completion/sumi.bash RENAME sumi
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions OPTIONAL)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES examples/hello.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The examples see what an installed program sees: sumi.h and the shared library, nothing of src/.
file(GLOB EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(src IN LISTS EXAMPLES)
  get_filename_component(name ${src} NAME_WE)
  add_executable(example.${name} ${src})
  target_link_libraries(example.${name} PRIVATE sumi_shared sumi_flags)
endforeach()
