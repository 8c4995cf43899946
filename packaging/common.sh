# shellcheck shell=bash
# What every way to start OtoMask shares, from a clone or from a package.

say() { printf '%s\n' "$*" >&2; }

die() { say "otomask: $2"; exit "$1"; }

# Ends with what a build that failed has said: one line where libtorch is the reason (native/libtorch.cmake), else all. MSBuild names its project behind the line.
die_of_build() {
  local said=$1 what=$2
  if [[ $said =~ "error LIBTORCH: "([^$'\n']*) ]]; then
    die 2 "${BASH_REMATCH[1]% \[*.csproj\]}"
  fi
  say "$said"
  die 1 "$what, see above"
}

# Ends where so little is allowed that .NET aborts before the program could say so itself (Limits.cs). Starts no process: there may be none to have.
require_limits() {
  local line allowed
  [[ -r /proc/self/limits ]] || return 0
  while read -r line; do
    allowed=${line:26} allowed=${allowed%% *}
    [[ $allowed =~ ^[0-9]+$ ]] || continue
    case $line in
      'Max open files '*) ((allowed >= 128)) || die 2 "$allowed open files are too few; allow at least 128 (ulimit -n)" ;;
      'Max address space '*)
        ((allowed >= 8000000000)) || die 2 "$((allowed / 1000000)) MB of address space are too few for libtorch; allow at least 8000 MB (ulimit -v), or limit memory by a cgroup instead"
        ;;
      'Max file size '*) ((allowed >= 1000000000)) || die 2 "files of $((allowed / 1000000)) MB are too small; allow at least 1000 MB (ulimit -f)" ;;
      'Max processes '*) ((EUID == 0 || allowed >= 32)) || die 2 "$allowed processes and threads are too few; allow at least 32 and 4 a core (ulimit -u)" ;;
    esac
  done < /proc/self/limits
}

# Debian prefers OpenBLAS-pthread whenever it is installed (every -dev package pulls it in), and under OpenMP its threads
# fight libtorch's: a step takes ten times as long. update-alternatives would cure it for the whole machine, which is the
# administrator's business and needs root; a library path cures it for this process and its children alone. The folder may
# come only later, with the package that this run installs: until then the path means nothing.
openblas=/usr/lib/$HOSTTYPE-linux-gnu/openblas-openmp
if [[ -z ${LIBTORCH:-} && :${LD_LIBRARY_PATH:-}: != *:$openblas:* ]]; then
  export LD_LIBRARY_PATH=$openblas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
