// What kernels do with rows of float32, n values each.
#pragma once

#include <cmath>

#include "product.h"

namespace otomask::OTOMASK_SET {

constexpr int64_t RowsPerTask = 32;  // fixed, so that sums over rows have one order on any number of threads

template <class Body>  // body(j, lanes)
inline void each_lane(int64_t n, const Body& body) {
  for (int64_t j = 0; j < n; j += Lanes) body(j, lanes_of(n - j));
}

// Mean of a row, and one over the root of its variance (biased) + epsilon.
inline void measure(const float* row, int64_t n, float epsilon, float& mean, float& scale) {
  Floats sum{}, squares{};
  each_lane(n, [&](int64_t j, Mask lanes) { sum += load(row + j, lanes); });
  mean = sum_of(sum) / n;
  const Floats centre = all(mean);
  each_lane(n, [&](int64_t j, Mask lanes) {
    const Floats off = keep(load(row + j, lanes) - centre, lanes);
    squares = multiply_add(off, off, squares);
  });
  scale = 1 / std::sqrt(sum_of(squares) / n + epsilon);
}

}  // namespace otomask::OTOMASK_SET
