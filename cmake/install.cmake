# install.cmake - what `cmake --install` puts where: program, libraries, header, pkg-config file, manual, completion.

# The pkg-config file finds its prefix from where it lies, so the installed tree may be moved. What the static library
# needs is written out instead of Requires.private, which would pass on the compiler flags of these libraries to every user.
set(SUMI_PC ${PROJECT_BINARY_DIR}/sumi.pc)
list(JOIN SUMI_STATIC_NEEDS " " SUMI_PC_LIBS)
file(RELATIVE_PATH SUMI_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" SUMI_PC_TO_PREFIX ${SUMI_PC_TO_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/sumi.pc.in ${SUMI_PC} @ONLY)

set(SUMI_INSTALLED sumi_static)
if(NOT DEFINED BUILD_SHARED_LIBS OR BUILD_SHARED_LIBS)
  list(APPEND SUMI_INSTALLED sumi_shared)
endif()
install(TARGETS ${SUMI_INSTALLED} EXPORT sumi)
install(FILES include/sumi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${SUMI_PC} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The package for CMake. While MAJOR is 0 a new MINOR may change the interface, as SUMI_ABI says.
include(CMakePackageConfigHelpers)
set(SUMI_CMAKE ${CMAKE_INSTALL_LIBDIR}/cmake/sumi)
configure_package_config_file(cmake/sumi-config.cmake.in sumi-config.cmake INSTALL_DESTINATION ${SUMI_CMAKE})
set(SUMI_COMPATIBLE SameMajorVersion)
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(SUMI_COMPATIBLE SameMinorVersion)
endif()
write_basic_package_version_file(sumi-config-version.cmake COMPATIBILITY ${SUMI_COMPATIBLE})
install(EXPORT sumi NAMESPACE sumi:: FILE sumi-targets.cmake DESTINATION ${SUMI_CMAKE})
install(FILES ${PROJECT_BINARY_DIR}/sumi-config.cmake ${PROJECT_BINARY_DIR}/sumi-config-version.cmake DESTINATION ${SUMI_CMAKE})
if(NOT SUMI_CLI)
  return()
endif()

install(TARGETS sumi)
install(FILES docs/sumi.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES scripts/completion/sumi.bash RENAME sumi
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions OPTIONAL)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES examples/hello.c DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The examples see what an installed program sees: sumi.h and the library, nothing of src/.
file(GLOB EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(src IN LISTS EXAMPLES)
  get_filename_component(name ${src} NAME_WE)
  add_executable(example.${name} ${src})
  target_link_libraries(example.${name} PRIVATE sumi::sumi sumi_flags)
endforeach()
