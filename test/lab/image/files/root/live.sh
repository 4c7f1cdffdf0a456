# A life behind the boot: disks come and go, containers are kept on one, a package brings a new kernel. Sourced by init, which
# runs bakery-disks from /piConfig, where a test has put it; on a stock root it is a systemd unit.

# overlay_on FOLDER: mounts an overlay whose upper layer is there, as a container engine does, and writes through it.
overlay_on() {
  mkdir -p "$1/upper" "$1/work" /run/merged || return 1
  mount -t overlay -o "lowerdir=/usr/lib/lab,upperdir=$1/upper,workdir=$1/work" overlay /run/merged || return 1
  [ -e /run/merged/lab.sh ] && echo written > /run/merged/layer
  umount /run/merged
  [ "$(cat "$1/upper/layer")" = written ]
}

# keep_containers ID: on a disk with a file system. It stays mounted: who takes the disk away has to unmount it.
keep_containers() {
  mkdir -p /run/containers
  mount -t ext4 "/dev/bakery/$1" /run/containers || fail "mount /dev/bakery/$1"
  overlay_on /run/containers || fail "overlay on disk $1"
  say "overlay-on-disk $1"
  if overlay_on /var/overlay 2> /run/lab/refused; then fail 'overlay on the NFS root'; fi
  say "overlay-on-root-refused $(tr '\n' ' ' < /run/lab/refused)($(dmesg | grep overlayfs | tail -n 2 | tr '\n' ' '))"
}

# As dpkg does: what is new is there under another name, and takes the place of the old one by a rename.
upgrade_kernel() {
  for name in vmlinuz initrd.img; do
    mv "/piConfig/$name" "/boot/firmware/$name" || fail "upgrade $name"
  done
  sync
  say kernel-upgraded
}

live() {
  BAKERY_DISKS_PAUSE=1 sh /piConfig/bakery-disks watch 2>&1 | while read -r line; do
    say "$line"
    id=${line#bakery-disks: }
    case $line in
      *': up as '*) [ "${id%%: *}" = "$(cat /piConfig/containers)" ] && keep_containers "${id%%: *}" ;;
      *': away') upgrade_kernel ;;
    esac
  done
}
