# shellcheck shell=bash
# The program with its own .NET, for what is packed. Sourced behind tools/setup.sh; the caller has a folder `work` that goes with it.

: "${root:?}" "${work:?tools/publish.sh is sourced, not run}"

version() { dotnet msbuild "$root/src/OtoMask.App" -getProperty:Version; }

# A project as it runs on any Linux, into a folder: publish_project PROJECT FOLDER [OPTION...]
publish_project() {
  local project=$1 to=$2
  dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained -v quiet --nologo -o "$to" "${@:3}" > "$work/log" 2>&1 ||
    { cat "$work/log" >&2; die 1 "$project could not be published"; }
  # Tracing by LTTng, which nobody asks for here, would need a library that every release has in another version.
  rm -f "$to"/*.xml "$to/libcoreclrtraceptprovider.so"
  find "$to" -type f \( -name '*.dll' -o -name '*.pdb' -o -name '*.json' -o -name '*.so' \) -exec chmod 644 {} +
}

# The program, compiled ahead of time so that it starts at once, and what starts it, in a folder.
publish() {
  local to=$1
  publish_project src/OtoMask.App "$to" -p:PublishReadyToRun=true
  install -m 755 "$root/packaging/otomask" "$to/otomask"
  install -m 644 "$root/packaging/common.sh" "$root/LICENSE" "$to/"
}

# What builds the bridge where the program runs, beside the program.
add_bridge_sources() {
  local to=$1
  rm -f "$to/libotomask.so" # of this machine; each machine has its own
  mkdir "$to/native"
  cp "$root"/native/*.{cpp,h,cmake,txt} "$to/native/"
  install -m 644 "$root/packaging/bridge.sh" "$to/"
}

# A folder of `work` as an archive that anybody can unpack: pack_archive NAME FOLDER
pack_archive() {
  tar -C "$work" --owner 0 --group 0 --sort name -cJf "$2/$1.tar.xz" "$1"
}
