import { enabled, type Layout } from './layout.ts';

const UBUNTU = 'cdimage.ubuntu.com ubuntu-24.04-preinstalled-server-arm64+raspi.img.xz';
const GADGET = 'github.com/snapcore/pi-gadget (branch classic)';

/** Ubuntu Server 24.04 for Raspberry Pi. */
export const UBUNTU_SERVER: Layout = {
  name: 'Ubuntu Server for Pi',
  labels: { boot: 'system-boot', root: 'writable' },
  bootNames: { kernel: 'vmlinuz', initramfs: 'initrd.img', deviceTree: 'bcm2710-rpi-3-b.dtb' },
  files: [
    {
      path: 'etc/fstab',
      text: 'LABEL=writable / ext4 defaults 0 1\nLABEL=system-boot /boot/firmware vfat defaults 0 1\n',
      source: `${UBUNTU} etc/fstab`,
    },
    {
      path: 'boot/firmware/config.txt',
      text: '[all]\narm_64bit=1\nkernel=vmlinuz\ncmdline=cmdline.txt\ninitramfs initrd.img followkernel\nenable_uart=1\n',
      source: `${GADGET} configs/config.txt`,
    },
    {
      path: 'boot/firmware/cmdline.txt',
      text: 'console=serial0,115200 dwc_otg.lpm_enable=0 console=tty1 root=LABEL=writable rootfstype=ext4 rootwait fixrtc quiet splash\n',
      source: `${GADGET} configs/cmdline.txt`,
    },
    { path: 'boot/firmware/user-data', text: '#cloud-config\n', source: `${GADGET} configs/user-data` },
    {
      path: 'boot/firmware/meta-data',
      text: 'dsmode: local\ninstance_id: cloud-image\n',
      source: `${GADGET} configs/meta-data`,
    },
    {
      path: 'boot/firmware/network-config',
      text: 'version: 2\nethernets:\n  eth0:\n    dhcp4: true\n    optional: true\n',
      source: `${GADGET} configs/network-config`,
    },
    {
      path: 'etc/cloud/cloud.cfg.d/90_dpkg.cfg',
      text: 'datasource_list: [ NoCloud, None ]\n',
      source: `${UBUNTU} etc/cloud/cloud.cfg.d/90_dpkg.cfg`,
    },
    // What netplan makes of that network-config, at each start; there it is in /run.
    {
      path: 'etc/systemd/network/10-netplan-eth0.network',
      text: '[Match]\nName=eth0\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=ipv6\n\n[DHCP]\nRouteMetric=100\nUseMTU=true\n',
      source: 'github.com/canonical/netplan src/networkd.c',
    },
    enabled('ssh.service', 'multi-user.target', `${UBUNTU} etc/systemd/system`),
    enabled('systemd-networkd.service', 'multi-user.target', `${UBUNTU} etc/systemd/system`),
    enabled('systemd-networkd-wait-online.service', 'network-online.target', `${UBUNTU} etc/systemd/system`),
  ],
};
