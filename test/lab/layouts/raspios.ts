import { enabled, type LayoutFile } from './layout.ts';

export const SYS_MODS = 'github.com/RPi-Distro/raspberrypi-sys-mods@3af395f';
export const PI_GEN = 'github.com/RPi-Distro/pi-gen@314262c';

/** A service that does one thing at its first start. */
export function once(name: string, what: { before?: string; run: string; source: string }): LayoutFile {
  const order = what.before ? `Before=${what.before}\n` : '';
  const text = `[Unit]\nDescription=${name}\n${order}\n[Service]\nType=oneshot\nExecStart=${what.run}\n`;
  return { path: `lib/systemd/system/${name}.service`, text, source: what.source };
}

/** What both releases of Raspberry Pi OS have. */
export const RASPIOS: readonly LayoutFile[] = [
  {
    path: 'etc/fstab',
    text: 'proc /proc proc defaults 0 0\nPARTUUID=@DISK@-01 /boot/firmware vfat defaults 0 2\nPARTUUID=@DISK@-02 / ext4 defaults,noatime 0 1\n',
    source: `${PI_GEN} stage1/01-sys-tweaks/files/fstab`,
  },
  {
    path: 'boot/firmware/config.txt',
    text: '[all]\nauto_initramfs=1\narm_64bit=1\nenable_uart=1\n',
    source: `${PI_GEN} stage1/00-boot-files/files/config.txt`,
  },
  // Names of network cards as the kernel gives them: eth0 (raspi-config, do_net_names).
  {
    path: 'etc/systemd/network/99-default.link',
    link: '/dev/null',
    source: `${PI_GEN} stage2/02-net-tweaks/01-run.sh (raspi-config do_net_names 1)`,
  },
  enabled('NetworkManager.service', 'multi-user.target', `${PI_GEN} stage2/02-net-tweaks/00-packages`),
  // Takes the keys away that are there, makes others, and starts no more (usr/lib/raspberrypi-sys-mods/regenerate_ssh_host_keys).
  once('regenerate_ssh_host_keys', {
    before: 'ssh.service',
    run: '/bin/sh -c "rm -f /etc/ssh/ssh_host_*_key*; ssh-keygen -A; systemctl -q disable regenerate_ssh_host_keys"',
    source: `${SYS_MODS} debian/raspberrypi-sys-mods.regenerate_ssh_host_keys.service`,
  }),
  enabled('regenerate_ssh_host_keys.service', 'multi-user.target', `${PI_GEN} stage2/01-sys-tweaks/01-run.sh`),
  // The SSH server is off until the boot folder has a file `ssh` (usr/lib/raspberrypi-sys-mods/sshswitch).
  once('sshswitch', {
    run: '/bin/sh -c "if [ -e /boot/firmware/ssh ]; then rm -f /boot/firmware/ssh; systemctl enable --now --no-block ssh; fi"',
    source: `${SYS_MODS} debian/raspberrypi-sys-mods.sshswitch.service`,
  }),
  enabled('sshswitch.service', 'multi-user.target', `${SYS_MODS} debian/raspberrypi-sys-mods.sshswitch.service`),
];
