#!/bin/bash
# Becomes the first process of a host for tests: real systemd in namespaces of its own, over a private
# copy of this machine's files. Stays in the foreground; killed with its cgroup.
#   systemd_host.sh NAME BASE [DIRECTORY…]
# NAME  of the host and of its cgroup; unique on this machine
# BASE  directory for the host's files: bus/ and share/ can be reached from outside; the path is short,
#       because sockets are in it
# DIRECTORY  of this machine, the same on the host
set -e
export NAME=$1 BASE=$2 BINDS="${*:3}"
CG2=$(awk '$3=="cgroup2"{print $2; exit}' /proc/self/mounts)
[ -n "$CG2" ] || { echo 'no cgroup2 is mounted' >&2; exit 1; }
mkdir -p "$CG2/$NAME" "$BASE"/{root,bus,units,share}
echo $$ > "$CG2/$NAME/cgroup.procs"
exec unshare --mount --uts --ipc --cgroup --pid --fork --kill-child=SIGKILL --propagation private bash -ec '
  hostname $NAME; T=$BASE/root
  mount -t tmpfs -o mode=755,size=1g tmpfs $T
  mkdir $T/u $T/w $T/m
  mount -t overlay overlay -o lowerdir=/,upperdir=$T/u,workdir=$T/w $T/m
  M=$T/m; S=$M/usr/lib/systemd/system
  # Nothing of this machine starts there.
  rm -rf $M/etc/systemd/system $M/usr/lib/systemd/system-generators $M/etc/systemd/system-generators $M/var/log/journal
  mkdir -p $M/etc/systemd/system
  for t in sysinit local-fs timers remote-fs machines getty paths swap cryptsetup network network-online; do
    rm -rf $S/$t.target.wants
  done
  rm -f $S/sockets.target.wants/systemd-{initctl,journald-audit}.socket
  for u in getty.target systemd-ask-password-wall.path systemd-logind.service systemd-update-utmp-runlevel.service \
      systemd-user-sessions.service; do
    rm -f $S/multi-user.target.wants/$u
  done
  ln -s /usr/lib/systemd/system/multi-user.target $M/etc/systemd/system/default.target
  ln -s /dev/null $M/etc/systemd/system/systemd-journald-audit.socket
  mkdir -p $M/etc/systemd/journald.conf.d
  printf "[Journal]\nAudit=no\nStorage=volatile\nRuntimeMaxUse=16M\nRateLimitBurst=0\n" > $M/etc/systemd/journald.conf.d/t.conf
  tr -d - < /proc/sys/kernel/random/uuid > $M/etc/machine-id; echo $NAME > $M/etc/hostname
  mount -t proc -o nosuid,nodev,noexec proc $M/proc
  # Else systemd changes settings of the whole machine.
  mount --bind $M/proc/sys $M/proc/sys; mount --bind $M/proc/sys/net $M/proc/sys/net
  mount -o remount,bind,ro $M/proc/sys
  mount -t sysfs -o nosuid,nodev,noexec sysfs $M/sys
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 $M/sys/fs/cgroup
  mount -t tmpfs -o mode=755,size=1m tmpfs $M/dev
  mkdir $M/dev/{pts,shm}
  mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts $M/dev/pts
  ln -s pts/ptmx $M/dev/ptmx; mount -t tmpfs tmpfs $M/dev/shm
  ln -s /proc/self/fd $M/dev/fd; ln -s fd/0 $M/dev/stdin; ln -s fd/1 $M/dev/stdout; ln -s fd/2 $M/dev/stderr
  for n in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read a b c <<<$n; mknod -m 666 $M/dev/$a c $b $c
  done
  : > $BASE/console.log; : > $M/dev/console; mount --bind $BASE/console.log $M/dev/console
  mount -t tmpfs -o mode=755 tmpfs $M/run
  mkdir -p $M/run/{dbus,systemd/system,lock,share}
  mount --bind $BASE/bus $M/run/dbus
  mount --bind $BASE/units $M/run/systemd/system
  mount --bind $BASE/share $M/run/share
  mount -t tmpfs tmpfs $M/tmp; mount -t tmpfs tmpfs $M/var/tmp; chmod 1777 $M/tmp $M/var/tmp
  for d in $BINDS; do mkdir -p $M/$d; mount --bind $d $M/$d; done
  cd $M; mkdir -p $M/.old; pivot_root . .old; umount -l /.old; rmdir /.old
  exec env -i container=cm-test PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /usr/lib/systemd/systemd --system --log-target=journal --show-status=no </dev/null >/dev/console 2>&1'
