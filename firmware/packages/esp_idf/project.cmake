cmake_minimum_required(VERSION 3.16)
# The component is two folders up; in a project of your own put it into components/ instead.
set(EXTRA_COMPONENT_DIRS "${CMAKE_CURRENT_LIST_DIR}/../..")
set(COMPONENTS main)
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(@{name}_self_test)
