# Finds libtorch: the target `libtorch` (its headers, its OpenMP, the ABI of its standard library) and LIBTORCH_LIBRARIES.
# Not find_package(Torch): for a CUDA build that asks for a CUDA compiler, which a PyTorch from pip does without.

# Ends the build with one line, once for CMake and once in the form that MSBuild passes on.
function(refuse reason)
  message(NOTICE "libtorch : error LIBTORCH: ${reason}")
  message(FATAL_ERROR "${reason}")
endfunction()

set(home "$ENV{LIBTORCH}")
if(home STREQUAL "")
  set(where "the system's libtorch")
  set(headers /usr/include /usr/include/torch/csrc/api/include)
  set(libraries "")
  set(way_out "install it (apt-get install libtorch-dev), or set LIBTORCH to an unpacked libtorch or to the torch folder of a PyTorch from pip")
else()
  set(where "LIBTORCH=${home}")
  set(headers ${home}/include ${home}/include/torch/csrc/api/include)
  set(libraries PATHS ${home}/lib NO_DEFAULT_PATH)
  set(way_out "set it to an unpacked libtorch with its headers, or to the torch folder of a PyTorch from pip (python3 -c 'import torch; print(torch.__path__[0])')")
endif()

# torch/library.h and ATen/Parallel.h stand for all: the first is missing where only the runtime was unpacked.
foreach(header torch/version.h torch/library.h ATen/Parallel.h)
  find_path(header_folder ${header} PATHS ${headers} NO_DEFAULT_PATH NO_CACHE)
  if(NOT header_folder)
    refuse("${where} has no header ${header}: ${way_out}")
  endif()
  unset(header_folder)
endforeach()
foreach(name torch torch_cpu c10 torch_cuda c10_cuda)
  find_library(library_${name} ${name} ${libraries} NO_CACHE)
  if(library_${name})
    list(APPEND LIBTORCH_LIBRARIES ${library_${name}})
  elseif(NOT name MATCHES cuda)
    refuse("${where} has no lib${name}.so: ${way_out}")
  endif()
endforeach()

# at::parallel_for is a template over OpenMP: without it, it runs on one thread; and with another OpenMP than libtorch's own
# (wheels bring one, with a name that nobody else uses) on threads of another pool, whose number nobody sets.
find_package(OpenMP REQUIRED)
add_library(libtorch INTERFACE)
if(home)
  file(GLOB own_openmp ${home}/lib/libgomp*.so* ${home}/../torch.libs/libgomp*.so*)
endif()
if(own_openmp)
  list(GET own_openmp 0 own_openmp)
  target_compile_options(libtorch INTERFACE ${OpenMP_CXX_FLAGS})
  target_link_libraries(libtorch INTERFACE ${own_openmp})
else()
  target_link_libraries(libtorch INTERFACE OpenMP::OpenMP_CXX)
endif()
# System headers, so that libtorch's own warnings are not ours.
target_include_directories(libtorch SYSTEM INTERFACE ${headers})

# Which std::string libtorch was built with: wheels before 2.6 have the one of GCC 4.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_INCLUDES ${headers})
set(CMAKE_REQUIRED_LIBRARIES ${library_c10})
set(takes_a_string "
  #include <c10/core/Device.h>
  int main(int count, char** words) { return c10::Device(std::string(words[count - 1])).index(); }")
foreach(abi 1 0)
  set(CMAKE_REQUIRED_DEFINITIONS -D_GLIBCXX_USE_CXX11_ABI=${abi})
  unset(LIBTORCH_HAS_ABI_${abi} CACHE) # another libtorch may lie there today
  check_cxx_source_compiles("${takes_a_string}" LIBTORCH_HAS_ABI_${abi})
  if(LIBTORCH_HAS_ABI_${abi})
    target_compile_definitions(libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=${abi})
    break()
  endif()
endforeach()
if(NOT LIBTORCH_HAS_ABI_1 AND NOT LIBTORCH_HAS_ABI_0)
  refuse("${where} fits neither C++ ABI of this compiler (${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}), or its headers and its libraries are of two versions: ${way_out}")
endif()

if(home)
  set(CMAKE_BUILD_RPATH ${home}/lib)
endif()
if(own_openmp)
  get_filename_component(openmp_folder ${own_openmp} DIRECTORY)
  list(APPEND CMAKE_BUILD_RPATH ${openmp_folder})
endif()

# Processes that train together: gloo is in libtorch, its headers are apart (Debian: libgloo-dev); NCCL where both are found.
# Asked anew each time, for packages come and go. What is there, process_group.cpp and store.cpp are compiled with: GROUP_DEFINITIONS.
set(CMAKE_REQUIRED_LIBRARIES ${LIBTORCH_LIBRARIES})
function(find_backend name class)
  list(APPEND CMAKE_REQUIRED_DEFINITIONS -DUSE_C10D_${name})
  unset(LIBTORCH_HAS_${name} CACHE)
  check_cxx_source_compiles("
    #include <torch/csrc/distributed/c10d/${class}.hpp>
    int main() { return c10d::${class}::Options::create() == nullptr; }" LIBTORCH_HAS_${name})
  if(LIBTORCH_HAS_${name})
    list(APPEND GROUP_DEFINITIONS OTOMASK_${name} USE_C10D_${name})
  endif()
  set(GROUP_DEFINITIONS "${GROUP_DEFINITIONS}" PARENT_SCOPE)
endfunction()
find_backend(GLOO ProcessGroupGloo)
if(LIBTORCH_HAS_GLOO)
  find_backend(NCCL ProcessGroupNCCL)
endif()
