/* Vectors of float32 for the kernels, each of which is compiled once per instruction set (CMakeLists.txt), in a namespace
 * named after it: the compiler's flags decide which. */
#ifndef OTOMASK_LANES_H
#define OTOMASK_LANES_H

#include <type_traits>

#include "kernels.h"

#if defined(__AVX512F__)
#include "lanes_avx512.h"
#elif defined(__AVX2__)
#include "lanes_avx2.h"
#else
#error "kernels are compiled with -mavx2 -mfma or for AVX-512, see add_kernels in CMakeLists.txt"
#endif

namespace otomask::OTOMASK_SET {

constexpr int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

/* The bits of each value rounded to bfloat16: to the nearest, ties to even; what is no number stays none. By integers: of the
 * processors with AVX-512 only those with AVX512-BF16 have an instruction for it. */
inline Words bfloat16_bits(Floats values) {
  using Bits = uint32_t __attribute__((vector_size(sizeof(Floats))));
  const Bits bits = (Bits)values;
  return (Words)(values == values ? (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 : Bits{} + 0x7FC0);
}

/* What is added up at `at`, in whichever type. */
inline Floats load(GradientSum from, int64_t at, Mask lanes) {
  return from.bf16 ? load(from.bf16 + at, lanes) : load(from.fp32 + at, lanes);
}

inline void store(GradientSum to, int64_t at, Floats values, Mask lanes) {
  if (to.bf16) {
    store_low_halves(to.bf16 + at, bfloat16_bits(values), lanes);
  } else {
    store(to.fp32 + at, values, lanes);
  }
}

/* What T keeps of a value decides how exactly the functions below compute it. */
template <class T>
constexpr bool IsExact = std::is_same_v<T, float>;

/* The constants highest power first: a polynomial in x. */
template <int Count>
inline Floats polynomial(const float (&constants)[Count], Floats x) {
  Floats sum = all(constants[0]);
  for (int i = 1; i < Count; i++) sum = multiply_add(sum, x, all(constants[i]));
  return sum;
}

/* 2^x: minimax polynomials on [-1/2, 1/2], relative error 8e-8 for float, 8e-5 for bfloat16. */
template <class T>
inline Floats exp2(Floats x) {
  constexpr float exact[] = {1.32764718e-3f, 9.67554133e-3f, 5.55071327e-2f, 2.40221197e-1f, 6.93146967e-1f, 1.00000007f};
  constexpr float rough[] = {5.51716672e-2f, 2.42611122e-1f, 6.93260986e-1f, 9.99928074e-1f};
  const Floats whole = nearest_whole(x), part = x - whole;
  return times_power(IsExact<T> ? polynomial(exact, part) : polynomial(rough, part), whole);
}

/* Phi(x), the share of a normal distribution below x, and phi(x), its density. Abramowitz & Stegun for the error function,
 * which shares its exponential with the density: 7.1.26 (error of Phi below 8e-8) for float, 7.1.25 (1.3e-5) for bfloat16. */
template <class T>
struct Normal {
  Floats below, density;

  explicit Normal(Floats x) {
    constexpr float exact[] = {1.061405429f / 2, -1.453152027f / 2, 1.421413741f / 2, -0.284496736f / 2, 0.254829592f / 2, 0};
    constexpr float rough[] = {0.7478556f / 2, -0.0958798f / 2, 0.3480242f / 2, 0};
    const Floats slope = all((IsExact<T> ? 0.3275911f : 0.47047f) * 0.70710678f);
    const Floats bell = exp2<T>(x * x * all(-0.72134752f));  // e^(-x^2 / 2)
    const Floats t = inverse<T>(multiply_add(magnitude(x), slope, all(1)));
    const Floats beyond = (IsExact<T> ? polynomial(exact, t) : polynomial(rough, t)) * bell;  // Phi(-|x|)
    below = by_sign(x, beyond, all(1) - beyond);
    density = bell * all(0.39894228f);
  }
};

}  // namespace otomask::OTOMASK_SET

#endif
