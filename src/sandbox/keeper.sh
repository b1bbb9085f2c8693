#!/bin/sh
# Owns one sandbox: outlives the caller by as long as it takes to leave nothing behind.
#
#   keeper.sh BOXES ID       one sandbox, in the folder BOXES/ID
#   keeper.sh BOXES          only removes what dead keepers have left in BOXES
#
# Descriptor 3 is the life line: the caller holds its other end, and when that is closed, however the caller ended,
# the sandbox is ended too. Descriptor 4 takes events, one a line: ready, cgroup, pid, failed, finit, exit.
# Needs util-linux and findutils only; runs in dash and in bash.
set -u
here=$(dirname "$0")
boxes=$1

# The clock tick at which a process started tells it from a later one with the same number.
started() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086 # the fields are to be split; the name before them may hold anything
  set -- ${stat##*) }
  echo "${20}"
}

# Kills the finit of the sandbox in folder $1; the kernel then kills everything else in its pid namespace.
kill_finit() {
  [ -s "$1/pid" ] || return 1
  read -r pid start <"$1/pid"
  [ "$(started "$pid")" = "$start" ] && kill -KILL "$pid" 2>/dev/null
}

# A cgroup can be removed once the last process in it is gone, which takes a moment after SIGKILL.
remove_cgroup() {
  case $1 in */node-finit-"$2") ;; *) return ;; esac
  tries=0
  while [ -d "$1" ] && [ "$tries" -lt 500 ]; do
    find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
    [ -d "$1" ] || return
    [ "$tries" -ne 50 ] || while read -r pid; do kill -KILL "$pid"; done <"$1/cgroup.procs"
    tries=$((tries + 1))
    sleep 0.01
  done
}

# Removes everything of the sandbox in folder $1.
remove_box() {
  kill_finit "$1"
  [ -s "$1/cgroup" ] && read -r group <"$1/cgroup" && remove_cgroup "$group" "${1##*/}"
  # The tmpfs on mnt is in another mount namespace. Should it ever be visible here, nothing is deleted through it.
  if [ -d "$1/mnt" ]; then rmdir "$1/mnt" || return; fi
  rm -rf "$1"
}

sweep() {
  for dir in "$boxes"/*/; do
    dir=${dir%/}
    # A living keeper holds the lock of its folder.
    if [ ! -e "$dir/lock" ]; then
      rmdir "$dir" 2>/dev/null
      continue
    fi
    flock --nonblock "$dir/lock" true && remove_box "$dir"
  done
}

mkdir -p "$boxes"
# Under this lock a folder that cannot be locked belongs to a living keeper, and one that can be does not.
exec 8>>"$boxes/.lock"
flock 8
sweep
[ $# -gt 1 ] || exit 0
id=$2
dir=$boxes/$id
mkdir -m 755 "$dir" || exit 1
exec 9>"$dir/lock"
flock --nonblock 9 || exit 1
exec 8>&-

# Writing to a caller that is gone must not kill us, and signals must not end us before finit. Caught, not ignored: finit
# would inherit that.
trap : PIPE HUP INT TERM
echo ready >&4
end_box() {
  # When the keeper was killed, somebody may be sweeping just now: a file made in the middle of that would keep the folder.
  # A sweep that does not end must not keep finit alive, though.
  exec 8>>"$boxes/.lock" && flock --timeout 5 8
  # inner.sh writes its pid before it looks for this file: we find the pid, or it ends itself.
  [ ! -d "$dir" ] || : >"$dir/dying"
  exec 8>&-
  kill_finit "$dir" && return
  [ ! -s "$dir/launcher" ] || { read -r pid <"$dir/launcher" && kill -KILL "$pid" 2>/dev/null; }
  kill_finit "$dir"
}

if read -r word <&3 && [ "$word" = boot ]; then
  # A cgroup of our own has to be entered before the cgroup namespace is made: otherwise that namespace's root is the
  # caller's cgroup, or the host's, and finit would rearrange it (finit 4.2 .. 4.14: cgroup_init in src/cgroup.c).
  group=
  while read -r parent; do
    group=$parent/node-finit-$id
    echo "$group" >"$dir/cgroup"
    if mkdir "$group" 2>/dev/null && (echo 0 >"$group/cgroup.procs") 2>/dev/null; then break; fi
    rmdir "$group" 2>/dev/null
    group=
    rm -f "$dir/cgroup"
  done <"$dir/cgroups"

  set -- --propagation private --mount --pid --uts --ipc --net
  userns=
  [ ! -e "$dir/rootless" ] || userns=yes
  if [ -n "$group" ]; then
    set -- "$@" --cgroup
  else
    # No cgroup of our own, so finit must not get at any: a user namespace that does not own its cgroup namespace cannot
    # mount cgroup2.
    userns=yes
  fi
  [ -z "$userns" ] || set -- --user --map-root-user "$@"
  echo "namespaces ${userns:-no}" >&4

  (
    exec 4>&- 9>&-
    while read -r _ <&3; do :; done
    end_box
  ) &
  reader=$!
  # In the foreground: a shell has its background commands ignore SIGINT and SIGQUIT, and finit would inherit that.
  # The capabilities that are dropped are those over what no namespace holds: clock, modules, raw I/O, kernel log.
  (
    exec 3<&- 9>&-
    trap - PIPE HUP INT TERM
    [ -z "$group" ] || echo 0 >"$group/cgroup.procs"
    read -r pid _ </proc/self/stat
    echo "$pid" >"$dir/launcher"
    [ ! -e "$dir/dying" ] || exit 1
    export NODE_FINIT_USERNS="$userns"
    # Should this keeper be killed, the launcher gets SIGKILL, and by that finit does. The launcher is a shell, not
    # unshare --fork, because that one does not tell of all signals that may end its child (util-linux 2.38).
    exec setpriv --pdeathsig KILL -- unshare "$@" -- /bin/sh -c '"$@"; exit $?' launcher \
      setpriv --pdeathsig KILL --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog -- \
      /bin/sh "$here/inner.sh" "$dir"
  )
  code=$?
  kill "$reader" 2>/dev/null
  echo "exit $code" >&4
fi
remove_box "$dir"
