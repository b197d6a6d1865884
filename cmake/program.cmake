# program.cmake - the program sumi, and the libraries that only it has: the server, the store, and measurements.
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.85)

# The server is a library of the program's own, so that programs which embed libsumi need no HTTP.
file(GLOB_RECURSE SERVER_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/server/*.c)
file(GLOB WEB_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/server/web/*.html
  ${PROJECT_SOURCE_DIR}/src/server/web/*.css ${PROJECT_SOURCE_DIR}/src/server/web/*.js
  ${PROJECT_SOURCE_DIR}/src/server/web/*.svg)
function(embed name) # files... become NAME[] of server/embedded.h
  set(source ${PROJECT_BINARY_DIR}/${name}.c)
  add_custom_command(OUTPUT ${source} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DOUT=${source} -DHEADER=server/embedded.h -DTYPE=embedded_file -DNAME=${name}
      "-DFILES=${ARGN}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ARGN} cmake/embed.cmake)
  target_sources(sumi_server PRIVATE ${source})
endfunction()
add_library(sumi_server STATIC ${SERVER_SOURCES})
embed(web_files ${WEB_FILES})
embed(openapi_files ${PROJECT_SOURCE_DIR}/src/server/openapi.json)
target_include_directories(sumi_server PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(sumi_server PUBLIC sumi_static sumi_deps PkgConfig::MICROHTTPD PkgConfig::GNUTLS PkgConfig::NETTLE PRIVATE sumi_flags)

# Another one: models from the net. libsumi knows no network.
file(GLOB STORE_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/store/*.c)
add_library(sumi_store STATIC ${STORE_SOURCES})
target_include_directories(sumi_store PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(sumi_store PUBLIC sumi_static sumi_deps PkgConfig::NETTLE PRIVATE PkgConfig::CURL sumi_flags)

# Measurements: limits of the machine, workloads, reports.
file(GLOB BENCH_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/bench/*.c)
add_library(sumi_bench STATIC ${BENCH_SOURCES})
target_include_directories(sumi_bench PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(sumi_bench PUBLIC sumi_static sumi_deps PRIVATE sumi_flags)

# The program. It is linked to the static library, so one file is all that has to be copied.
# All but main() is a library too, so that tests can call it.
file(GLOB_RECURSE CLI_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.c)
list(FILTER CLI_SOURCES EXCLUDE REGEX "/main\\.c$")
add_library(sumi_cli STATIC ${CLI_SOURCES})
target_include_directories(sumi_cli PUBLIC ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(sumi_cli PUBLIC sumi_server sumi_store sumi_bench PkgConfig::LIBEDIT PRIVATE sumi_flags)
add_executable(sumi ${PROJECT_SOURCE_DIR}/src/cli/main.c)
target_link_libraries(sumi PRIVATE sumi_cli sumi_flags)
