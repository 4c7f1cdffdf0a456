import { enabled, type Layout } from './layout.ts';
import { once, PI_GEN, RASPIOS, SYS_MODS } from './raspios.ts';

/** Raspberry Pi OS Lite since 2025, on Debian 13. */
export const TRIXIE: Layout = {
  name: 'Raspberry Pi OS Trixie',
  labels: { boot: 'bootfs', root: 'rootfs' },
  bootNames: { kernel: 'kernel8.img', initramfs: 'initramfs8', deviceTree: 'bcm2710-rpi-3-b.dtb' },
  files: [
    ...RASPIOS,
    {
      path: 'boot/firmware/cmdline.txt',
      text: 'console=serial0,115200 console=tty1 root=PARTUUID=@DISK@-02 rootfstype=ext4 fsck.repair=yes rootwait resize ds=nocloud;i=rpi-imager-1762430000000\n',
      source: `${PI_GEN} stage1/00-boot-files/files/cmdline.txt, and what Raspberry Pi Imager adds`,
    },
    once('rpi-resize', {
      run: '/usr/lib/systemd/systemd-growfs /',
      source: `${SYS_MODS} debian/raspberrypi-sys-mods.rpi-resize.service`,
    }),
    enabled('rpi-resize.service', 'sysinit.target', `${PI_GEN} stage2/01-sys-tweaks/01-run.sh`),
    {
      path: 'etc/rpi/swap.conf',
      text: '[Main]\n#Mechanism=auto\n',
      source: `${PI_GEN} stage2/01-sys-tweaks/00-packages (rpi-swap)`,
    },
    {
      path: 'lib/netplan/00-network-manager-all.yaml',
      text: 'network:\n  version: 2\n  renderer: NetworkManager\n',
      mode: 0o600,
      source: `${PI_GEN} stage2/04-cloud-init/files/00-network-manager-all.yaml`,
    },
    {
      path: 'etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg',
      text: 'datasource_list: [ NoCloud, None ]\ndatasource:\n  NoCloud:\n    seedfrom: file:///boot/firmware\n',
      source: `${PI_GEN} stage2/04-cloud-init/files/99_raspberry-pi.cfg`,
    },
    {
      path: 'boot/firmware/meta-data',
      text: 'dsmode: local\ninstance_id: rpios-image\n',
      source: `${PI_GEN} stage2/04-cloud-init/files/meta-data`,
    },
    {
      path: 'boot/firmware/user-data',
      text: '#cloud-config\n',
      source: `${PI_GEN} stage2/04-cloud-init/files/user-data`,
    },
    {
      path: 'boot/firmware/network-config',
      text: 'network:\n  version: 2\n  ethernets:\n    eth0:\n      dhcp4: true\n      optional: true\n',
      source: `${PI_GEN} stage2/04-cloud-init/files/network-config`,
    },
  ],
};
