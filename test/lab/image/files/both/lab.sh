# What the initramfs and the root's init share; sourced.

# One marker line on the console, which a test waits for.
say() {
  echo "LAB $*"
}

# Says what went wrong and stays, so that the log keeps the reason and the kernel does not panic.
fail() {
  dmesg | tail -n 30
  say "failed $*"
  rest
}

# As process 1 the shell reaps whatever ends while it waits for its own sleep.
rest() {
  while :; do sleep 3600; done
}

# The value of NAME=VALUE on the kernel's command line; of several the last, as the kernel has it.
cmdline() {
  tr ' ' '\n' < /proc/cmdline | sed -n "s/^$1=//p" | tail -n 1
}

# The first network interface that is not the loopback.
first_nic() {
  for device in /sys/class/net/*; do
    name=${device##*/}
    # bonding_masters and its like are files
    [ -d "$device" ] && [ "$name" != lo ] && echo "$name" && return 0
  done
  return 1
}

# mount_nfs SERVER PATH TARGET: NFSv3 with the ports that nfsroot= names. No locks: they would need rpc.statd.
mount_nfs() {
  options=vers=3,nolock,tcp,mountproto=tcp,addr=$1,mountaddr=$1
  for option in $(cmdline nfsroot | tr ',' '\n' | sed 1d); do
    case $option in
      port=* | mountport=* | rsize=* | wsize=* | timeo=* | retrans=*) options=$options,$option ;;
    esac
  done
  # -i: by the kernel's own client, with its text options.
  mount -i -t nfs -o "$options" "$1:$2" "$3"
}
