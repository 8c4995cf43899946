// A layer of EAT's decoder behind its convolution (Chen et al., arXiv 2401.03497): layer norm over the channels without gain and
// bias, GELU, and the layer's input added. One pass over memory each way instead of ATen's three; what the norm gives is computed again.
#include "kernels.h"
#include "rows.h"

namespace otomask::OTOMASK_SET {

void norm_gelu(int64_t m, int64_t n, const float* x, const float* residual, float epsilon, float* y, float* mean, float* scale) {
  at::parallel_for(0, m, RowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float* row = x + i * n;
      measure(row, n, epsilon, mean[i], scale[i]);
      const Floats centre = all(mean[i]), factor = all(scale[i]);
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats unit = (load(row + j, lanes) - centre) * factor;
        const Floats present = residual ? load(residual + i * n + j, lanes) : Floats{};
        store(y + i * n + j, multiply_add(unit, Normal<float>(unit).below, present), lanes);
      });
    }
  });
}

void norm_gelu_gradient(int64_t m, int64_t n, const float* dy, const float* x, const float* mean, const float* scale, float* dx) {
  at::parallel_for(0, m, RowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Floats centre = all(mean[i]), factor = all(scale[i]);
      Floats total{}, along{};
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats unit = (load(x + i * n + j, lanes) - centre) * factor;
        const Normal<float> normal(unit);
        const Floats slope = keep(load(dy + i * n + j, lanes) * multiply_add(unit, normal.density, normal.below), lanes);
        total += slope;
        along = multiply_add(slope, unit, along);
        store(dx + i * n + j, slope, lanes);
      });
      const Floats mean_slope = all(sum_of(total) / n), mean_along = all(sum_of(along) / n);
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats unit = (load(x + i * n + j, lanes) - centre) * factor;
        const Floats slope = multiply_subtract(unit, mean_along, load(dx + i * n + j, lanes) - mean_slope);
        store(dx + i * n + j, slope * factor, lanes);
      });
    }
  });
}

template <class T>
void enter_norm_gelu(Kernels<T>& kernels) {
  kernels.norm_gelu = norm_gelu;
  kernels.norm_gelu_gradient = norm_gelu_gradient;
}

#ifdef OTOMASK_SET_HAS_FLOAT
template void enter_norm_gelu(Kernels<float>&);
#endif
#ifdef OTOMASK_SET_HAS_BFLOAT16
template void enter_norm_gelu(Kernels<BFloat16>&);
#endif

}  // namespace otomask::OTOMASK_SET
