// Layer normalisation of the float32 residual stream (Ba et al. 2016), written in the type that the next product reads.
#include <cmath>

#include "kernels.h"
#include "product.h"

namespace otomask {
namespace {

constexpr int64_t RowsPerTask = 32;  // fixed, so that sums over rows have one order on any number of threads

template <class Body>  // body(j, lanes)
inline void each_lane(int64_t n, const Body& body) {
  for (int64_t j = 0; j < n; j += Lanes) body(j, lanes_of(n - j));
}

}  // namespace

template <class T>
void layer_norm(int64_t m, int64_t n, const float* x, const float* weight, const float* bias, float epsilon, T* y,
                float* mean, float* scale) {
  at::parallel_for(0, m, RowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float* row = x + i * n;
      __m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
      each_lane(n, [&](int64_t j, __mmask16 lanes) { sum = _mm512_add_ps(sum, load(row + j, lanes)); });
      mean[i] = _mm512_reduce_add_ps(sum) / n;
      const __m512 centre = _mm512_set1_ps(mean[i]);
      each_lane(n, [&](int64_t j, __mmask16 lanes) {
        const __m512 off = _mm512_maskz_sub_ps(lanes, load(row + j, lanes), centre);
        squares = _mm512_fmadd_ps(off, off, squares);
      });
      scale[i] = 1 / std::sqrt(_mm512_reduce_add_ps(squares) / n + epsilon);
      const __m512 factor = _mm512_set1_ps(scale[i]);
      each_lane(n, [&](int64_t j, __mmask16 lanes) {
        const __m512 unit = _mm512_mul_ps(_mm512_sub_ps(load(row + j, lanes), centre), factor);
        store(y + i * n + j, _mm512_fmadd_ps(unit, load(weight + j, lanes), load(bias + j, lanes)), lanes);
      });
    }
  });
}

template <class T>
void layer_norm_gradient(int64_t m, int64_t n, const T* dy, const float* x, const float* weight, const float* mean,
                         const float* scale, const float* residual, float* dx, float* weight_gradient,
                         float* bias_gradient) {
  const int64_t tasks = round_up(m, RowsPerTask) / RowsPerTask;
  const Scratch<float> sums(tasks * 2 * n);  // of each task: [weight, bias]
  std::fill_n(sums.get(), tasks * 2 * n, 0.f);
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * RowsPerTask; i < std::min(m, end * RowsPerTask); i++) {
      float *weights = sums.get() + i / RowsPerTask * 2 * n, *biases = weights + n;
      const __m512 centre = _mm512_set1_ps(mean[i]), factor = _mm512_set1_ps(scale[i]);
      __m512 total = _mm512_setzero_ps(), along = _mm512_setzero_ps();
      each_lane(n, [&](int64_t j, __mmask16 lanes) {
        const __m512 slope = load(dy + i * n + j, lanes);
        const __m512 unit = _mm512_mul_ps(_mm512_maskz_sub_ps(lanes, load(x + i * n + j, lanes), centre), factor);
        const __m512 inner = _mm512_mul_ps(slope, load(weight + j, lanes));
        total = _mm512_add_ps(total, inner);
        along = _mm512_fmadd_ps(inner, unit, along);
        store(weights + j, _mm512_fmadd_ps(slope, unit, load(weights + j, lanes)), lanes);
        store(biases + j, _mm512_add_ps(slope, load(biases + j, lanes)), lanes);
      });
      const __m512 mean_slope = _mm512_set1_ps(_mm512_reduce_add_ps(total) / n);
      const __m512 mean_along = _mm512_set1_ps(_mm512_reduce_add_ps(along) / n);
      each_lane(n, [&](int64_t j, __mmask16 lanes) {
        const __m512 unit = _mm512_mul_ps(_mm512_sub_ps(load(x + i * n + j, lanes), centre), factor);
        const __m512 inner = _mm512_mul_ps(load(dy + i * n + j, lanes), load(weight + j, lanes));
        const __m512 slope = _mm512_fnmadd_ps(unit, mean_along, _mm512_sub_ps(inner, mean_slope));
        const __m512 present = residual ? load(residual + i * n + j, lanes) : _mm512_setzero_ps();
        store(dx + i * n + j, _mm512_fmadd_ps(slope, factor, present), lanes);
      });
    }
  });
  for (int64_t task = 0; task < tasks; task++) {
    const float *weights = sums.get() + task * 2 * n, *biases = weights + n;
    each_lane(n, [&](int64_t j, __mmask16 lanes) {
      store(weight_gradient + j, _mm512_add_ps(load(weight_gradient + j, lanes), load(weights + j, lanes)), lanes);
      store(bias_gradient + j, _mm512_add_ps(load(bias_gradient + j, lanes), load(biases + j, lanes)), lanes);
    });
  }
}

#define OTOMASK_FOR(T)                                                                                        \
  template void layer_norm(int64_t, int64_t, const float*, const float*, const float*, float, T*, float*, float*); \
  template void layer_norm_gradient(int64_t, int64_t, const T*, const float*, const float*, const float*, const float*, \
                                    const float*, float*, float*, float*);
OTOMASK_FOR(float)
OTOMASK_FOR(BFloat16)

}  // namespace otomask
