# shellcheck shell=bash
# Sourced by ./otomask, ./test, .ci/run and bench/: from a fresh Debian with the .NET 10 SDK to a Release build.
# The caller sets `root`, the folder of the repository. Exit codes: 2 = something the user can mend, 1 = the build failed.

: "${root:?tools/setup.sh is sourced, not run}"
# From `dotnet build` to nothing running: no build servers stay behind.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en

# shellcheck source=packaging/common.sh
source "$root/packaging/common.sh"

app=$root/src/OtoMask.App/bin/Release/net10.0/OtoMask.App.dll
state=$root/src/OtoMask.App/obj
stamp=$state/launcher.stamp

# What building and running take. An unpacked libtorch (LIBTORCH=/path) brings its own BLAS.
build_packages=(g++ cmake make libsndfile1 libsoxr0)
[[ -n ${LIBTORCH:-} ]] || build_packages+=(libtorch-dev libgloo-dev libopenblas0-openmp)
# Without ffmpeg everything works but files that libsndfile cannot read (m4a, video).
optional_packages=(ffmpeg)

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null) == installed ]]
}

# Puts those of the named packages that dpkg does not have in the array `missing`.
find_missing() {
  local package cuda=''
  missing=()
  # Debian's PyTorch for NVIDIA's GPUs cannot lie beside the plain one: installing anything of that would remove it.
  ! is_installed libtorch-cuda-dev || cuda=-cuda
  for package; do
    case $package in
      libtorch-dev | libgloo-dev) package=${package%-dev}$cuda-dev ;;
      python3-torch) package+=$cuda ;;
    esac
    is_installed "$package" || missing+=("$package")
  done
}

# Installs packages where that is allowed: apt-get is there, and we are root or sudo asks no password.
try_install() {
  local -a as_root=()
  command -v apt-get > /dev/null || return
  if ((EUID != 0)); then
    sudo -n true 2> /dev/null || return
    as_root=(sudo -n)
  fi
  say "Installing $* ..."
  "${as_root[@]}" apt-get update -q >&2 || true # old lists may do
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# Makes sure that the packages are there, or says which to install and ends.
need_packages() {
  local -a missing
  # Not Debian: the compiler, the linker or `otomask doctor` will say what is absent.
  command -v dpkg-query > /dev/null || return 0
  find_missing "$@"
  ((${#missing[@]} == 0)) || try_install "${missing[@]}" || die 2 "packages are missing; run: sudo apt-get install ${missing[*]}"
}

# The same for packages that one can do without: says what to install and goes on.
want_packages() {
  local -a missing
  command -v dpkg-query > /dev/null || return 0
  find_missing "$@"
  ((${#missing[@]} == 0)) || try_install "${missing[@]}" || say "otomask: going on without ${missing[*]} (sudo apt-get install ${missing[*]})"
}

need_sdk() {
  local sdks
  sdks=$(dotnet --list-sdks 2> /dev/null || true)
  [[ $'\n'$sdks =~ $'\n'[1-9][0-9]+\. ]] ||
    die 2 "the .NET 10 SDK is missing; install it from https://dotnet.microsoft.com/download/dotnet/10.0"
}

# True while no source was changed, added or renamed since the last build, and libtorch is the same.
is_built() {
  [[ -e $app && -e $stamp && $(< "$stamp") == "${LIBTORCH:-}" ]] || return
  [[ -z $(find "$root"/src "$root"/native "$root"/Directory.*.props -mindepth 0 \
    \( -name bin -o -name obj -o -name build \) -prune -o -type f -cnewer "$stamp" -print -quit) ]]
}

# Installs what is missing and builds the app, once: a second launcher waits for the first, then finds it done.
ensure_built() {
  is_built && return
  need_packages "${build_packages[@]}"
  want_packages "${optional_packages[@]}"
  need_sdk
  mkdir -p "$state" || die 2 "cannot write to $state; build as a user who may"
  local lock log
  exec {lock}> "$state/launcher.lock"
  flock "$lock"
  if ! is_built; then
    say "Building OtoMask (first time and after changes, a minute or two) ..."
    printf '%s' "${LIBTORCH:-}" > "$stamp.new" # before the build: what is edited meanwhile is newer
    log=$(dotnet build "$root/src/OtoMask.App" -c Release -v quiet 2>&1 < /dev/null) || die_of_build "$log" "the build failed"
    mv "$stamp.new" "$stamp"
  fi
  exec {lock}>&-
}
