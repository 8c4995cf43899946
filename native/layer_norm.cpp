// Layer normalisation of the float32 residual stream (Ba et al. 2016), written in the type that the next product reads.
#include "kernels.h"
#include "rows.h"

namespace otomask::OTOMASK_SET {

template <class T>
void layer_norm(int64_t m, int64_t n, const float* x, const float* weight, const float* bias, float epsilon, T* y,
                float* mean, float* scale) {
  at::parallel_for(0, m, RowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float* row = x + i * n;
      measure(row, n, epsilon, mean[i], scale[i]);
      const Floats centre = all(mean[i]), factor = all(scale[i]);
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats unit = (load(row + j, lanes) - centre) * factor;
        store(y + i * n + j, multiply_add(unit, load(weight + j, lanes), load(bias + j, lanes)), lanes);
      });
    }
  });
}

template <class T>
void layer_norm_gradient(int64_t m, int64_t n, const T* dy, const float* x, const float* weight, const float* mean,
                         const float* scale, const float* residual, float* dx, GradientSum weight_gradient,
                         GradientSum bias_gradient) {
  const int64_t tasks = round_up(m, RowsPerTask) / RowsPerTask;
  const Scratch<float> sums(tasks * 2 * n);  // of each task: [weight, bias]
  std::fill_n(sums.get(), tasks * 2 * n, 0.f);
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * RowsPerTask; i < std::min(m, end * RowsPerTask); i++) {
      float *weights = sums.get() + i / RowsPerTask * 2 * n, *biases = weights + n;
      const Floats centre = all(mean[i]), factor = all(scale[i]);
      Floats total{}, along{};
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats slope = load(dy + i * n + j, lanes);
        const Floats unit = keep(load(x + i * n + j, lanes) - centre, lanes) * factor;
        const Floats inner = slope * load(weight + j, lanes);
        total += inner;
        along = multiply_add(inner, unit, along);
        store(weights + j, multiply_add(slope, unit, load(weights + j, lanes)), lanes);
        store(biases + j, slope + load(biases + j, lanes), lanes);
      });
      const Floats mean_slope = all(sum_of(total) / n);
      const Floats mean_along = all(sum_of(along) / n);
      each_lane(n, [&](int64_t j, Mask lanes) {
        const Floats unit = (load(x + i * n + j, lanes) - centre) * factor;
        const Floats inner = load(dy + i * n + j, lanes) * load(weight + j, lanes);
        const Floats slope = multiply_subtract(unit, mean_along, inner - mean_slope);
        const Floats present = residual ? load(residual + i * n + j, lanes) : Floats{};
        store(dx + i * n + j, multiply_add(slope, factor, present), lanes);
      });
    }
  });
  const auto add_all_tasks = [&](GradientSum gradient, const float* of_first_task) {
    each_lane(n, [&](int64_t j, Mask lanes) {
      Floats sum = load(gradient, j, lanes);
      for (int64_t task = 0; task < tasks; task++) sum += load(of_first_task + task * 2 * n + j, lanes);
      store(gradient, j, sum, lanes);
    });
  };
  add_all_tasks(weight_gradient, sums.get());
  add_all_tasks(bias_gradient, sums.get() + n);
}

template <class T>
void enter_layer_norm(Kernels<T>& kernels) {
  kernels.layer_norm = layer_norm<T>;
  kernels.layer_norm_gradient = layer_norm_gradient<T>;
}

#ifdef OTOMASK_SET_HAS_FLOAT
template void enter_layer_norm(Kernels<float>&);
#endif
#ifdef OTOMASK_SET_HAS_BFLOAT16
template void enter_layer_norm(Kernels<BFloat16>&);
#endif

}  // namespace otomask::OTOMASK_SET
