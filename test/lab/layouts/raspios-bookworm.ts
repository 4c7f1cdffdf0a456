import { enabled, type Layout } from './layout.ts';
import { once, PI_GEN, RASPIOS, SYS_MODS } from './raspios.ts';

/** Raspberry Pi OS Lite of 2023 to 2025, on Debian 12. */
export const BOOKWORM: Layout = {
  name: 'Raspberry Pi OS Bookworm',
  labels: { boot: 'bootfs', root: 'rootfs' },
  bootNames: { kernel: 'kernel8.img', initramfs: 'initramfs8', deviceTree: 'bcm2710-rpi-3-b.dtb' },
  files: [
    ...RASPIOS,
    {
      path: 'boot/firmware/cmdline.txt',
      text: 'console=serial0,115200 console=tty1 root=PARTUUID=@DISK@-02 rootfstype=ext4 fsck.repair=yes rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n',
      source: `${PI_GEN} stage1/00-boot-files/files/cmdline.txt, stage2/01-sys-tweaks/00-patches/07-resize-init.diff`,
    },
    // The first process of the first start: with no disk below the root it gives up and starts anew, for ever.
    {
      path: 'usr/lib/raspberrypi-sys-mods/firstboot',
      text: '#!/bin/sh\nmount -t proc proc /proc\nlsblk -npo PKNAME "$(findmnt / -o source -n)" || { sleep 5; reboot -f; }\n',
      mode: 0o755,
      source: `${SYS_MODS} usr/lib/raspberrypi-sys-mods/firstboot`,
    },
    {
      path: 'etc/init.d/resize2fs_once',
      text: '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: resize2fs_once\n# Required-Start:\n# Required-Stop:\n# Default-Start: 3\n# Default-Stop:\n### END INIT INFO\nresize2fs "$(findmnt / -o source -n)"\n',
      mode: 0o755,
      source: `${PI_GEN} stage2/01-sys-tweaks/files/resize2fs_once`,
    },
    {
      path: 'etc/rc3.d/S01resize2fs_once',
      link: '../init.d/resize2fs_once',
      source: `${PI_GEN} stage2/01-sys-tweaks/01-run.sh (systemctl enable resize2fs_once)`,
    },
    once('dphys-swapfile', {
      run: '/bin/sh -c "fallocate -l 16M /var/swap; mkswap /var/swap; swapon /var/swap"',
      source: `${PI_GEN} stage2/01-sys-tweaks/00-packages (dphys-swapfile)`,
    }),
    enabled(
      'dphys-swapfile.service',
      'multi-user.target',
      `${PI_GEN} stage2/01-sys-tweaks/00-packages (dphys-swapfile)`,
    ),
  ],
};
