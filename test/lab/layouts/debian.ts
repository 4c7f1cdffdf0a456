import { enabled, type Layout } from './layout.ts';

const SPECS = 'salsa.debian.org/raspi-team/image-specs';

/** Debian 12 for Raspberry Pi, as raspi.debian.net has it. */
export const DEBIAN: Layout = {
  name: 'Debian for Pi',
  labels: { boot: 'RASPIFIRM', root: 'RASPIROOT' },
  bootNames: { kernel: 'vmlinuz-@VERSION@', initramfs: 'initrd.img-@VERSION@', deviceTree: 'bcm2837-rpi-3-b.dtb' },
  files: [
    {
      path: 'etc/fstab',
      text: 'LABEL=RASPIROOT / ext4 rw 0 1\nLABEL=RASPIFIRM /boot/firmware vfat rw 0 2\n',
      source: `${SPECS} rootfs/etc/fstab`,
    },
    {
      path: 'boot/firmware/config.txt',
      text: 'arm_64bit=1\nenable_uart=1\nupstream_kernel=1\nkernel=vmlinuz-@VERSION@\ninitramfs initrd.img-@VERSION@\n',
      source: 'Debian raspi-firmware etc/kernel/postinst.d/z50-raspi-firmware',
    },
    {
      path: 'boot/firmware/cmdline.txt',
      text: 'console=tty0 console=ttyS1,115200 root=LABEL=RASPIROOT rw fsck.repair=yes net.ifnames=0 cma=64M rootwait\n',
      source: 'Debian raspi-firmware etc/kernel/postinst.d/z50-raspi-firmware',
    },
    {
      path: 'etc/network/interfaces',
      text: 'source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n',
      source: 'Debian ifupdown etc/network/interfaces',
    },
    {
      path: 'etc/network/interfaces.d/eth0',
      text: 'auto eth0\n\niface eth0 inet dhcp\niface eth0 inet6 auto\n',
      source: `${SPECS} rootfs/etc/network/interfaces.d/eth0`,
    },
    enabled('ssh.service', 'multi-user.target', `${SPECS} raspi_master.yaml`),
    enabled('networking.service', 'multi-user.target', 'Debian ifupdown'),
    // Makes host keys where there are none: a bake's are there.
    {
      path: 'etc/systemd/system/rpi-generate-ssh-host-keys.service',
      text: '[Unit]\nDescription=generate SSH host keys\nConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key\n\n[Service]\nType=oneshot\nExecStart=/usr/bin/ssh-keygen -A\n',
      source: `${SPECS} rootfs/etc/systemd/system/rpi-generate-ssh-host-keys.service`,
    },
    {
      path: 'etc/systemd/system/multi-user.target.requires/rpi-generate-ssh-host-keys.service',
      link: '/etc/systemd/system/rpi-generate-ssh-host-keys.service',
      source: `${SPECS} raspi_master.yaml`,
    },
  ],
};
