/* AVX-512: sixteen float32 at a time, and pairs of bfloat16, which only processors with AVX512-BF16 are given. They have an
 * instruction that multiplies pairs (set avx512). Of Intel's it takes two units for two cycles, so that float32 is multiplied twice as
 * fast: there each half of a pair is multiplied as the float32 that it is (set avx512_halves, OTOMASK_MULTIPLY_HALVES). */
#ifndef OTOMASK_LANES_AVX512_H
#define OTOMASK_LANES_AVX512_H

#include <c10/util/BFloat16.h>
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#ifdef OTOMASK_MULTIPLY_HALVES
#define OTOMASK_SET avx512_halves
#else
#define OTOMASK_SET avx512
#define OTOMASK_SET_HAS_FLOAT
#endif
#define OTOMASK_SET_HAS_BFLOAT16

namespace otomask::OTOMASK_SET {

using Floats = __m512;
using Words = __m512i;  // of four bytes each
using Mask = __mmask16;
using BFloat16 = c10::BFloat16;

constexpr int64_t Lanes = 16;
constexpr Mask AllLanes = 0xFFFF;

/* A tile of a product: 24 of the 32 registers hold its sums. */
constexpr int64_t TileRows = 8;

/* The lanes that count where `columns` are left. */
inline Mask lanes_of(int64_t columns) {
  return columns >= Lanes ? AllLanes : Mask((1u << std::max<int64_t>(columns, 0)) - 1);
}

inline Floats all(float value) { return _mm512_set1_ps(value); }

/* Loads and stores of the lanes that count, others are zero. Most often all do, and plain moves are quicker than masked ones. */

inline Floats load(const float* from, Mask lanes) {
  return lanes == AllLanes ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(lanes, from);
}

inline void store(float* to, Floats values, Mask lanes) {
  if (lanes == AllLanes) {
    _mm512_storeu_ps(to, values);
  } else {
    _mm512_mask_storeu_ps(to, lanes, values);
  }
}

inline Words words_of(Floats values) { return _mm512_castps_si512(values); }
inline Words load_words(const uint32_t* from) { return _mm512_loadu_si512(from); }
inline void store_words(uint32_t* to, Words words) { _mm512_storeu_si512(to, words); }
inline Words all_words(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }

/* The lanes that count, others zero. */
inline Floats keep(Floats values, Mask lanes) { return _mm512_maskz_mov_ps(lanes, values); }

inline Floats multiply_add(Floats a, Floats b, Floats sum) { return _mm512_fmadd_ps(a, b, sum); }
inline Floats multiply_subtract(Floats a, Floats b, Floats from) { return _mm512_fnmadd_ps(a, b, from); }
inline Floats magnitude(Floats x) { return _mm512_abs_ps(x); }
inline Floats nearest_whole(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Floats times_power(Floats x, Floats whole) { return _mm512_scalef_ps(x, whole); }  // x 2^whole
inline Floats by_sign(Floats x, Floats negative, Floats positive) {
  return _mm512_mask_mov_ps(negative, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_GE_OQ), positive);
}

/* The larger of both in the lanes that count, else a. */
inline Floats larger(Floats a, Floats b, Mask lanes) { return _mm512_mask_max_ps(a, lanes, a, b); }

inline float sum_of(Floats x) { return _mm512_reduce_add_ps(x); }
inline float largest_of(Floats x) { return _mm512_reduce_max_ps(x); }

/* 1 / x: the processor's estimate (relative error 6e-5), after one Newton step 8e-9 for float. */
template <class T>
inline Floats inverse(Floats x) {
  const Floats estimate = _mm512_rcp14_ps(x);
  if constexpr (std::is_same_v<T, BFloat16>) return estimate;
  return estimate * multiply_subtract(x, estimate, all(2));
}

inline void transpose(Words (&rows)[Lanes]) {
  Words a[Lanes];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  for (int half = 0; half < 16; half += 8) {
    for (int i = 0; i < 4; i++) {
      a[half + i] = _mm512_shuffle_i32x4(rows[half + i], rows[half + i + 4], 0x88);
      a[half + i + 4] = _mm512_shuffle_i32x4(rows[half + i], rows[half + i + 4], 0xDD);
    }
  }
  for (int i = 0; i < 8; i++) {
    rows[i] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0xDD);
  }
}

/* What a product adds up: a word is one float32, or two bfloat16. */
template <class T>
Floats multiply_add_words(Words a, Words b, Floats sum);

template <>
inline Floats multiply_add_words<float>(Words a, Words b, Floats sum) {
  return _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum);
}

template <>
inline Floats multiply_add_words<BFloat16>(Words a, Words b, Floats sum) {
#ifdef OTOMASK_MULTIPLY_HALVES
  const Words upper = all_words(0xFFFF0000);
  sum = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)), _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), sum);
  return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, upper)), _mm512_castsi512_ps(_mm512_and_si512(b, upper)), sum);
#else
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
#endif
}

/* bfloat16: the upper half of a float32. */

inline __m256i halves_of(Floats values) { return (__m256i)_mm512_cvtneps_pbh(values); }

inline Floats widen(__m256i halves) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16)); }

inline Floats load(const BFloat16* from, Mask lanes) {
  return widen(lanes == AllLanes ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))
                                 : _mm256_maskz_loadu_epi16(lanes, from));
}

inline void store_halves(BFloat16* to, __m256i halves, Mask lanes) {
  if (lanes == AllLanes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), halves);
  } else {
    _mm256_mask_storeu_epi16(to, lanes, halves);
  }
}

inline void store(BFloat16* to, Floats values, Mask lanes) { store_halves(to, halves_of(values), lanes); }

/* Stores the lower half of each word. */
inline void store_low_halves(BFloat16* to, Words words, Mask lanes) { store_halves(to, _mm512_cvtepi32_epi16(words), lanes); }

/* The values as T keeps them. */
template <class T>
inline Floats rounded(Floats values) {
  if constexpr (std::is_same_v<T, BFloat16>) return widen(halves_of(values));
  return values;
}

/* Sixteen words of which the first value comes from `low`, the second from `high`. */
inline Words pairs_of(const float* low, const float* high, Mask lanes) {
  const Words first = _mm512_cvtepu16_epi32(halves_of(load(low, lanes)));
  const Words second = high ? _mm512_cvtepu16_epi32(halves_of(load(high, lanes))) : _mm512_setzero_si512();
  return _mm512_or_si512(first, _mm512_slli_epi32(second, 16));
}

inline Words pairs_of(const BFloat16* low, const BFloat16* high, Mask lanes) {
  const Words second = high ? words_of(load(high, lanes)) : _mm512_setzero_si512();
  return _mm512_or_si512(_mm512_srli_epi32(words_of(load(low, lanes)), 16), second);
}

/* Sixteen words that follow each other, of which `count` values exist. */
inline Words pairs_along(const float* from, int64_t count) {
  const Floats low = load(from, lanes_of(count)), high = load(from + Lanes, lanes_of(count - Lanes));
  return (Words)_mm512_cvtne2ps_pbh(high, low);
}

inline Words pairs_along(const BFloat16* from, int64_t count) {
  return _mm512_maskz_loadu_epi16(count >= 2 * Lanes ? ~0u : (1u << std::max<int64_t>(count, 0)) - 1, from);
}

}  // namespace otomask::OTOMASK_SET

#endif
