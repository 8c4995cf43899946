# shellcheck shell=bash
# Finds the bridge to the libtorch of this machine, for the archive that goes to any Linux: one of those that came with it, built for the
# libtorch of a release of Debian, or one built here from its sources, once, with cmake and a C++ compiler.

: "${home:?packaging/bridge.sh is sourced by packaging/otomask}"

# Whether the system's loader finds all that a bridge needs.
fits() {
  local needs
  needs=$(ldd "$1" 2>&1) || return # read whole: cut short by a pipe that has seen enough, ldd would fail where it succeeds
  [[ $needs != *'not found'* ]]
}

# Sets `bridge` to the folder with the bridge that fits, or says what is missing and ends.
find_bridge() {
  local built
  if [[ -z ${LIBTORCH:-} ]]; then
    for built in "$home"/bridges/*/libotomask.so; do
      [[ -e $built ]] || continue
      fits "$built" || continue
      bridge=$(dirname "$built")
      return
    done
  fi
  build_bridge
}

build_bridge() {
  local key cache log version
  version=$(cat "${LIBTORCH:-/usr}"/include/torch/{headeronly,csrc/api/include/torch}/version.h 2> /dev/null || true)
  key=$(cat "$home"/native/* 2> /dev/null | cat - <(printf '%s\n%s' "${LIBTORCH:-}" "$version") | sha256sum | cut -c 1-16)
  cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/otomask
  bridge=$cache/bridge-$key
  [[ -e $bridge/libotomask.so ]] && return
  local program
  for program in cmake make c++; do
    command -v "$program" > /dev/null ||
      die 2 "none of the bridges that came along fits the libtorch of this machine, and $program is missing to build one; install cmake, make and g++, or Debian's libtorch"
  done
  mkdir -p "$cache" || die 2 "cannot write to $cache; set XDG_CACHE_HOME to a folder that you may write to"
  say "Building the bridge to libtorch (once, a minute or two) ..."
  rm -rf "$bridge.$$"
  log=$({ cmake -S "$home/native" -B "$bridge.$$" && cmake --build "$bridge.$$" -j; } 2>&1) || {
    rm -rf "$bridge.$$"
    die_of_build "$log" "the bridge could not be built"
  }
  mkdir -p "$bridge"
  mv "$bridge.$$/libotomask.so" "$bridge/libotomask.so" # at last, and whole
  rm -rf "$bridge.$$"
}
