# Functions for the scripts here: steps with their durations, and programs that must be installed.
# It must not change anything outside of the checkout, except with the package manager; it prints that.

# step NAME COMMAND...: runs the command; prints its name, its duration, and the seconds of processors that it took.
step() {
  local name=$1 begin=$SECONDS TIMEFORMAT='%0U + %0S s of processors'
  shift
  printf '\n== %s\n' "$name"
  if time "$@"; then
    printf '== %s: done in %d s\n' "$name" $((SECONDS - begin))
  else
    local status=$?
    printf '== %s: FAILED after %d s (exit code %d)\n' "$name" $((SECONDS - begin)) "$status" >&2
    exit "$status"
  fi
}

# beside COMMAND...: runs it beside what follows, until `joined` waits for it. A script has one such command at a time. It has a
# process group, so that all of it ends with the script, but no session of its own: Linux shares the processors among sessions,
# whatever their priority.
beside() {
  beside_output=$(mktemp)
  set -m
  "$@" >"$beside_output" 2>&1 </dev/null &
  beside_group=$!
  set +m
  trap end_beside EXIT
}

# end_beside: ends the command of `beside`. A script with more to do at its end has a trap of its own, which calls this too.
end_beside() {
  kill -- "-$beside_group" 2>/dev/null || true
  rm -f "$beside_output"
}

# joined: waits for the command of `beside`, prints its output, and returns its exit code.
joined() {
  local status=0
  wait "$beside_group" || status=$?
  cat "$beside_output"
  return "$status"
}

# need PROGRAM PACKAGE...: if the program is missing, installs the Debian packages, if we have the permission.
need() {
  local program=$1
  shift
  if command -v "$program" >/dev/null; then
    return 0
  fi
  echo "$program is missing; installing $* with apt-get"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null ||
    ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq "$@"; }; then
    echo "error: $program is missing and could not be installed; install it by hand ($*)" >&2
    return 1
  fi
}

# need_module MODULE PACKAGE: the same for a module of Debian's Python.
need_module() {
  /usr/bin/python3 -c "import $1" 2>/dev/null || need "the module $1" "$2"
}

# need_component NAME COMPONENT: fails if `cargo NAME` is missing, which a component of the Rust toolchain provides.
need_component() {
  if ! cargo "$1" --version >/dev/null 2>&1; then
    echo "error: cargo $1 is missing; install it with: rustup component add $2" >&2
    return 1
  fi
}
