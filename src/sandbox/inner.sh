#!/bin/sh
# Runs as PID 1 of the new namespaces, lays out the root file system, and becomes finit.
#
#   inner.sh DIR        DIR/plan says what to do, one step a line, fields separated by tabs (see plan.ts)
#
# Nothing that finit sees as a file system is a plain bind mount of the host's: at shutdown finit may remount / read-only,
# and through a bind mount that would be the host's own. So: tmpfs and overlays, which are superblocks of our own.
set -eu
dir=$1
userns=${NODE_FINIT_USERNS:-}
tab=$(printf '\t')
step='enter the namespaces'
trap 'echo "failed $step" >&4' EXIT

# /proc is still the host's here, so this is our pid as the host sees it.
read -r line </proc/self/stat
pid=${line%% *}
# shellcheck disable=SC2086
set -- ${line##*) }
echo "$pid ${20}" >"$dir/pid.new"
mv "$dir/pid.new" "$dir/pid"
[ ! -e "$dir/dying" ] || exit 1
echo "pid $pid ${20}" >&4

umask 022
step='mount a tmpfs'
mkdir "$dir/mnt"
mount -t tmpfs -o mode=755 node-finit "$dir/mnt"
cd "$dir/mnt"
mkdir lower upper work single empty root
copy=
count=0

# Overlays get their lower directory through a link with a plain name: a colon or comma in the path would be syntax.
lower() {
  count=$((count + 1))
  ln -s "$1" "lower/$count"
}

# The host's device $1. Read-only: what is written goes to the device, but its mode and owner are the host's, and keventd sets them
# (finit 4.15 and newer). In a user namespace of root's it could.
device() {
  : >"root/dev/$1"
  mount --bind "/dev/$1" "root/dev/$1"
  mount -o remount,bind,ro,nosuid,noexec "root/dev/$1"
}

# $1 of the host, writable at $2
overlay() {
  lower "$1"
  mkdir "upper/$count" "work/$count"
  options=lowerdir=lower/$count,upperdir=upper/$count,workdir=work/$count
  if [ -z "$copy" ]; then
    # userxattr: what an overlay in a user namespace may use, where the tmpfs knows such attributes (Linux 6.6)
    if [ -n "$userns" ] && mount -t overlay -o "$options,userxattr" overlay "$2" 2>/dev/null; then return; fi
    if mount -t overlay -o "$options" overlay "$2"; then return; fi
  fi
  mount -t tmpfs -o mode=755 copy "$2"
  if [ -n "$userns" ]; then cp -dRx --preserve=mode,timestamps "$1/." "$2/"; else cp -ax "$1/." "$2/"; fi
}

# directory $1 of the host, read-only at $2
read_only() {
  lower "$1"
  if [ -z "$copy" ] && mount -t overlay -o "ro,lowerdir=lower/$count:empty" overlay "$2"; then return; fi
  mount -t tmpfs -o mode=755 copy "$2"
  cp -dRx --preserve=mode,timestamps "$1/." "$2/"
  mount -o remount,ro "$2"
}

# The kernel's file systems. proc and sysfs are new ones that show the namespaces only.
kernel() {
  for name in proc sys dev run tmp; do
    [ ! -L "root/$name" ] || rm "root/$name"
    mkdir -p "root/$name"
  done
  step='mount proc (in a container, is part of the host'\''s /proc hidden?)'
  mount -t proc -o nosuid,nodev,noexec proc root/proc
  # Settings that are not of a namespace are the host's; the network's are ours.
  mount --bind root/proc/sys root/proc/sys
  mount --bind root/proc/sys/net root/proc/sys/net
  mount -o remount,bind,ro root/proc/sys
  step='mount sysfs'
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs root/sys 2>/dev/null || mount -t tmpfs -o ro sys root/sys
  step='make /dev'
  mount -t tmpfs -o mode=755,size=8m dev root/dev
  for node in null:3 zero:5 full:7 random:8 urandom:9; do
    name=${node%:*}
    if [ -n "$userns" ]; then
      device "$name"
    else
      mknod -m 666 "root/dev/$name" c 1 "${node#*:}"
    fi
  done
  if [ -n "$userns" ]; then
    device tty
  else
    mknod -m 666 root/dev/tty c 5 0
  fi
  [ ! -e root/proc/sysrq-trigger ] || mount --bind root/dev/null root/proc/sysrq-trigger
  mkdir root/dev/pts root/dev/shm root/dev/mqueue
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts root/dev/pts
  ln -s pts/ptmx root/dev/ptmx
  mount -t tmpfs -o mode=1777,nosuid,nodev shm root/dev/shm
  mount -t tmpfs -o mode=1777,nosuid,nodev mqueue root/dev/mqueue
  ln -s /proc/self/fd root/dev/fd
  ln -s fd/0 root/dev/stdin
  ln -s fd/1 root/dev/stdout
  ln -s fd/2 root/dev/stderr
  # Plain files: what finit logs before there is a syslogd stays here, and out of the host's kernel log.
  : >root/dev/console
  : >root/dev/kmsg
  step='mount /tmp and /run'
  mount -t tmpfs -o mode=1777 tmp root/tmp
  mount -t tmpfs -o mode=755 run root/run
  mkdir root/run/lock
}

while IFS=$tab read -r word a b c <&5; do
  step="$word ${a:-} ${b:-}"
  case $word in
    copy) copy=yes ;;
    root) overlay "$a" root ;;
    sub) overlay "$a" "root$b" ;;
    hide) rm -f "root$a" ;;
    kernel) kernel ;;
    config) # finit.d: the sandbox's own, and nothing of the root's
      mkdir -p "root$a"
      mount -t tmpfs -o mode=755 config "root$a"
      mkdir "root$a/available" "root$a/enabled"
      ;;
    dir)
      mkdir -p "root$b"
      read_only "$a" "root$b"
      ;;
    file) # one file of the host: out of an overlay of its directory
      mkdir -p "single/$count" "$(dirname "root$b")"
      target=single/$count
      name=${a##*/}
      if [ -z "$copy" ]; then
        read_only "${a%/*}/" "$target"
        [ -e "root$b" ] || : >"root$b"
        mount --bind "$target/$name" "root$b"
      else
        cp "$a" "root$b"
      fi
      ;;
    put) # content $a, mode $b
      mkdir -p "$(dirname "root$c")"
      cp "$dir/files/$a" "root$c"
      chmod "$b" "root$c"
      ;;
    *) exit 1 ;;
  esac
done 5<"$dir/plan"
read -r argv <"$dir/argv"

step='bring the loopback interface up'
if command -v ip >/dev/null; then ip link set lo up || :; fi

step='change the root (finit'\''s root needs umount in /bin or /usr/bin)'
cd root
pivot_root . .
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
umount -l .
cd /
step='start finit'
unset NODE_FINIT_USERNS PWD OLDPWD
# finit takes only a few names for a container (src/helpers.c, in_container); as a container it ends with _exit(0).
export container=unshare
echo finit >&4
IFS=$tab
set -f
# shellcheck disable=SC2086
set -- $argv
unset argv
exec "$@" 4>&-
