/* Whether the libtorch that this is built for is of a version or later: #if TORCH_SINCE(2, 6) */
#ifndef OTOMASK_TORCH_SINCE_H
#define OTOMASK_TORCH_SINCE_H

#include <torch/version.h>

#define TORCH_SINCE(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

#endif
