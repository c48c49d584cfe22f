cmake_minimum_required(VERSION 3.20.0)
# The module is two folders up. Where the workspace's manifest has it already, this line can go.
list(APPEND ZEPHYR_EXTRA_MODULES "${CMAKE_CURRENT_SOURCE_DIR}/../..")
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(@{name}_self_test LANGUAGES C)
target_sources(app PRIVATE src/main.c)
