// Linear maps, their gradients, and what stands beside them: bias, residual sum, GELU.
#include "kernels.h"
#include "product.h"

namespace otomask::OTOMASK_SET {

namespace {

// What happens to a vector of sums of row i from column j on; one struct per purpose, given to multiply().

Floats biased(Floats sums, const float* bias, int64_t j, Mask lanes) {
  return bias ? sums + load(bias + j, lanes) : sums;
}

template <class T>
struct Write {
  T* y;
  const float* bias;
  int64_t n;
  void expect(int64_t, int64_t, int64_t) const {}
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const {
    store(y + i * n + j, biased(sums, bias, j, lanes), lanes);
  }
};

struct WriteAdded {
  float* y;
  const float *bias, *residual;
  int64_t n;
  void expect(int64_t i, int64_t j, int64_t count) const { prefetch(residual + i * n + j, count); }
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const {
    const Floats before = load(residual + i * n + j, lanes);
    store(y + i * n + j, before + biased(sums, bias, j, lanes), lanes);
  }
};

template <class T>
struct WriteGelu {
  T *before, *y;
  const float* bias;
  int64_t n;
  void expect(int64_t, int64_t, int64_t) const {}
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const {
    const int64_t at = i * n + j;
    const Floats x = rounded<T>(biased(sums, bias, j, lanes));  // as the gradient will see it
    if (before) store(before + at, x, lanes);
    store(y + at, x * Normal<T>(x).below, lanes);
  }
};

template <class T>
struct WriteGeluGradient {
  T *before, *y;
  int64_t n;
  void expect(int64_t i, int64_t j, int64_t count) const { prefetch(before + i * n + j, count); }
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const {
    const int64_t at = i * n + j;
    const Floats x = load(before + at, lanes);
    const Normal<T> normal(x);
    store(y + at, x * normal.below, lanes);
    store(before + at, sums * multiply_add(x, normal.density, normal.below), lanes);
  }
};

struct Accumulate {
  GradientSum y;
  int64_t n;
  void expect(int64_t i, int64_t j, int64_t count) const {
    const int64_t at = i * n + j;
    y.bf16 ? prefetch(y.bf16 + at, count) : prefetch(y.fp32 + at, count);
  }
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const {
    const int64_t at = i * n + j;
    store(y, at, load(y, at, lanes) + sums, lanes);
  }
};

template <class T, class After>
void times_transposed_weight(LinearShape s, const T* x, const float* weight, const After& after) {
  const auto pack = [&](const Packed<T>& to, int64_t j, int64_t columns) {
    pack_columns(to, weight + j * s.k, s.k, s.k, columns);
  };
  pack_and_multiply<T>(left_rows(x, s.k), s.m, s.k, s.n, pack, after);
}

template <class T, class After>
void times_weight(LinearShape s, const T* dy, const float* weight, const After& after) {
  const auto pack = [&](const Packed<T>& to, int64_t j, int64_t columns) {
    pack_rows(to, weight + j, s.k, s.n, columns);
  };
  pack_and_multiply<T>(left_rows(dy, s.n), s.m, s.n, s.k, pack, after);
}

// Rows of a weight's gradient for a thread to make at a time, `wanted` at most where that is not too few: as many as keep what
// is packed for them, `depth` words each, in the second-level cache.
int64_t gradient_part(int64_t depth, int64_t wanted) {
  constexpr int64_t least = 2 * LeftColumns, most = 8 * LeftColumns, in_cache = 3 << 15;
  return std::max(least, std::min({most, in_cache / depth, wanted}) / LeftColumns * LeftColumns);
}

}  // namespace

template <class T>
void linear(LinearShape s, const T* x, const float* weight, const float* bias, T* y) {
  times_transposed_weight(s, x, weight, Write<T>{y, bias, s.n});
}

template <class T>
void linear_add(LinearShape s, const T* x, const float* weight, const float* bias, const float* residual, float* y) {
  times_transposed_weight(s, x, weight, WriteAdded{y, bias, residual, s.n});
}

template <class T>
void linear_gelu(LinearShape s, const T* x, const float* weight, const float* bias, T* before, T* y) {
  times_transposed_weight(s, x, weight, WriteGelu<T>{before, y, bias, s.n});
}

template <class T>
void linear_input_gradient(LinearShape s, const T* dy, const float* weight, T* dx) {
  times_weight(s, dy, weight, Write<T>{dx, nullptr, s.k});
}

template <class T>
void linear_gelu_input_gradient(LinearShape s, const T* dy, const float* weight, T* before, T* x) {
  times_weight(s, dy, weight, WriteGeluGradient<T>{before, x, s.k});
}

template <class T>
void linear_weight_gradient(LinearShape s, const T* dy, const T* x, GradientSum weight_gradient, GradientSum bias_gradient) {
  // The larger operand is packed part by part, each by the thread that then multiplies with it.
  if (s.k > s.n) {
    const Packed<T> left(s.m, s.n, LeftColumns);
    pack_rows(left, dy, s.n, s.m, s.n, bias_gradient);
    const auto pack = [&](const Packed<T>& to, int64_t j, int64_t columns) { pack_rows(to, x + j, s.k, s.m, columns); };
    return pack_and_multiply<T>(LeftPacked<T>{left}, s.n, s.m, s.k, pack, Accumulate{weight_gradient, s.k});
  }
  const Packed<T> right(s.m, s.k, PanelColumns);
  pack_rows(right, x, s.k, s.m, s.k);
  const auto add_rows = [&](int64_t first, int64_t count) {
    const Packed<T> left(s.m, count, LeftColumns);
    pack_rows(left, dy + first, s.n, s.m, count, bias_gradient.from(first));
    multiply<T>(LeftPacked<T>{left}, right, count, s.k, Accumulate{weight_gradient.from(first * s.k), s.k});
  };
  const int64_t threads = at::get_num_threads(), part = gradient_part(words<T>(s.m), s.n / (4 * threads));
  const int64_t parts = round_up(s.n, part) / part;
  if (parts < 4 * threads) return add_rows(0, s.n);
  share_out(parts, [&](int64_t task) { add_rows(task * part, std::min(part, s.n - task * part)); });
}

template <class T>
void enter_linear(Kernels<T>& kernels) {
  kernels.linear = linear<T>;
  kernels.linear_add = linear_add<T>;
  kernels.linear_gelu = linear_gelu<T>;
  kernels.linear_input_gradient = linear_input_gradient<T>;
  kernels.linear_gelu_input_gradient = linear_gelu_input_gradient<T>;
  kernels.linear_weight_gradient = linear_weight_gradient<T>;
}

#ifdef OTOMASK_SET_HAS_FLOAT
template void enter_linear(Kernels<float>&);
#endif
#ifdef OTOMASK_SET_HAS_BFLOAT16
template void enter_linear(Kernels<BFloat16>&);
#endif

}  // namespace otomask::OTOMASK_SET
