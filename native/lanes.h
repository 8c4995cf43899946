/* Sixteen float32 at a time: what the AVX-512 kernels share. Include it last: everything below is compiled for AVX-512,
 * and only called where the processor has it (kernels.h). */
#ifndef OTOMASK_LANES_H
#define OTOMASK_LANES_H

#include <c10/util/BFloat16.h>
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,prefer-vector-width=512")

namespace otomask {

using BFloat16 = c10::BFloat16;

constexpr int64_t Lanes = 16;

constexpr int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

/* The lanes that count where `columns` are left. */
inline __mmask16 lanes_of(int64_t columns) {
  return columns >= Lanes ? __mmask16(0xFFFF) : __mmask16((1u << std::max<int64_t>(columns, 0)) - 1);
}

/* Loads and stores of the lanes that count. Most often all do, and plain moves are quicker than masked ones. */

constexpr __mmask16 AllLanes = 0xFFFF;

inline __m512 widen(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }

inline __m512 load(const float* from, __mmask16 lanes) {
  return lanes == AllLanes ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(lanes, from);
}

inline __m512 load(const BFloat16* from, __mmask16 lanes) {
  return widen(lanes == AllLanes ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))
                                 : _mm256_maskz_loadu_epi16(lanes, from));
}

inline void store(float* to, __m512 values, __mmask16 lanes) {
  if (lanes == AllLanes) {
    _mm512_storeu_ps(to, values);
  } else {
    _mm512_mask_storeu_ps(to, lanes, values);
  }
}

inline void store(BFloat16* to, __m512 values, __mmask16 lanes) {
  const auto halves = (__m256i)_mm512_cvtneps_pbh(values);
  if (lanes == AllLanes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves);
  } else {
    _mm256_mask_storeu_epi16(to, lanes, halves);
  }
}

/* The values as T keeps them. */
template <class T>
inline __m512 rounded(__m512 values) {
  if constexpr (std::is_same_v<T, float>) return values;
  return widen((__m256i)_mm512_cvtneps_pbh(values));
}

/* The constants highest power first: a polynomial in x. */
template <int Count>
inline __m512 polynomial(const float (&constants)[Count], __m512 x) {
  __m512 sum = _mm512_set1_ps(constants[0]);
  for (int i = 1; i < Count; i++) sum = _mm512_fmadd_ps(sum, x, _mm512_set1_ps(constants[i]));
  return sum;
}

/* What T keeps of a value decides how exactly the functions below compute it. */
template <class T>
constexpr bool IsExact = std::is_same_v<T, float>;

/* 2^x: minimax polynomials on [-1/2, 1/2], relative error 8e-8 for float, 8e-5 for bfloat16. */
template <class T>
inline __m512 exp2(__m512 x) {
  constexpr float exact[] = {1.32764718e-3f, 9.67554133e-3f, 5.55071327e-2f, 2.40221197e-1f, 6.93146967e-1f, 1.00000007f};
  constexpr float rough[] = {5.51716672e-2f, 2.42611122e-1f, 6.93260986e-1f, 9.99928074e-1f};
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 part = _mm512_sub_ps(x, whole);
  return _mm512_scalef_ps(IsExact<T> ? polynomial(exact, part) : polynomial(rough, part), whole);
}

/* 1 / x: the processor's estimate (relative error 6e-5), after one Newton step 8e-9 for float. */
template <class T>
inline __m512 inverse(__m512 x) {
  const __m512 estimate = _mm512_rcp14_ps(x);
  if constexpr (!IsExact<T>) return estimate;
  return _mm512_mul_ps(estimate, _mm512_fnmadd_ps(x, estimate, _mm512_set1_ps(2)));
}

/* Phi(x), the share of a normal distribution below x, and phi(x), its density. Abramowitz & Stegun for the error function,
 * which shares its exponential with the density: 7.1.26 (error of Phi below 8e-8) for float, 7.1.25 (1.3e-5) for bfloat16. */
template <class T>
struct Normal {
  __m512 below, density;

  explicit Normal(__m512 x) {
    constexpr float exact[] = {1.061405429f / 2, -1.453152027f / 2, 1.421413741f / 2, -0.284496736f / 2, 0.254829592f / 2, 0};
    constexpr float rough[] = {0.7478556f / 2, -0.0958798f / 2, 0.3480242f / 2, 0};
    const __m512 one = _mm512_set1_ps(1), slope = _mm512_set1_ps((IsExact<T> ? 0.3275911f : 0.47047f) * 0.70710678f);
    const __m512 bell = exp2<T>(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-0.72134752f)));  // e^(-x^2 / 2)
    const __m512 t = inverse<T>(_mm512_fmadd_ps(_mm512_abs_ps(x), slope, one));
    const __m512 beyond = _mm512_mul_ps(IsExact<T> ? polynomial(exact, t) : polynomial(rough, t), bell);  // Phi(-|x|)
    below = _mm512_mask_sub_ps(beyond, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ), one, beyond);
    density = _mm512_mul_ps(bell, _mm512_set1_ps(0.39894228f));
  }
};

}  // namespace otomask

#endif
