/**
 * Why a boot stops, and what to check. docs/netboot.md has the same as a table, with the cures; a test compares them. The sources
 * are in netboot-facts: issues of raspberrypi/firmware and rpi-eeprom, and Raspberry Pi's own documentation.
 */
export const CAUSES = {
  'switch-refused': {
    text: 'the power switch did not do it',
    check: "Look at the Pi's fault, and whether the switch answers at its address",
  },
  stp: {
    text: 'the switch keeps a port closed for 30 s after link-up (STP), while the Pi asks in vain',
    check: 'Set the port of the switch to edge or portfast, or switch STP off on it',
  },
  'boot-order': {
    text: 'the board does not boot from the network (BOOT_ORDER of its bootloader, OTP bit of a Pi 3B)',
    check:
      'Boot it from a card and look at rpi-eeprom-config for BOOT_ORDER (f21), on a Pi 3B at vcgencmd otp_dump | grep 17:3020000a',
  },
  cable: {
    text: 'its power or its cable goes to another port than is thought, or to another VLAN',
    check: 'See whether the lamps of its port light up, and whether the port is in the VLAN of this server',
  },
  'option-43': {
    text: 'no DHCP server offers boot files (option 43 with "Raspberry Pi Boot")',
    check: 'Set BAKERY_DHCP=proxy, or have the DHCP server offer boot files (GET /netboot/dnsmasq.conf)',
  },
  'no-address': {
    text: 'no DHCP server gives the Pi an address',
    check: "See that the site's DHCP server runs on this wire and has an address left",
  },
  'firewall-boot': {
    text: 'a firewall drops TFTP (UDP 69 and the ports that answers leave from)',
    check: 'Let UDP in from the Pis at port 69 and at the ports of net.ipv4.ip_local_port_range',
  },
  'other-server': {
    text: 'the DHCP server names another TFTP server than this one',
    check: 'See that siaddr and option 66 of its offers name this server',
  },
  'old-bootcode': {
    text: 'bootcode.bin runs and its own DHCP fails, or it is too old for the board',
    check: 'Take a newer bootcode.bin: upload a bakeform of a recent image',
  },
  'not-baked': {
    text: 'the Pi is in no oven: it has no root to boot from',
    check: 'Bake it; one in the fridge is switched off again',
  },
  'no-firmware': {
    text: 'the image has no firmware for this model in its boot partition',
    check: 'See which files are missed, and whether the image is made for this model',
  },
  'no-kernel': {
    text: 'the kernel that config.txt names is not in the boot folder',
    check: 'Compare kernel= in config.txt with the files that are missed; put the kernel back, or rebake',
  },
  'no-device-tree': {
    text: 'the device tree of this model is not in the boot folder',
    check: 'Take an image that knows this model: its .dtb is among the files that are missed',
  },
  'no-cmdline': {
    text: 'there is no cmdline.txt in the boot folder',
    check: 'Put cmdline.txt back: the root is named in it',
  },
  'no-initramfs': {
    text: 'the initramfs that config.txt names is not in the boot folder',
    check: 'Build it anew on the Pi (update-initramfs), or take the line out of config.txt',
  },
  'packet-loss': {
    text: 'packets are lost on the way, or the Pi lost its power in the middle of a file',
    check: 'Look at the error counters of its port, and try another cable',
  },
  'wrong-firmware': {
    text: 'the firmware gave up: it is too old for the board, or config.txt asks for what it cannot do',
    check: 'Attach a serial console with uart_2ndstage=1 in config.txt',
  },
  'no-network-driver': {
    text: 'the kernel does not start, or has no driver for the network of the board',
    check: 'Attach a serial console; see that the initramfs has the network driver of this model',
  },
  'nfs-version': {
    text: 'the initramfs does not know the NFS options it is given: klibc knows vers=3 and no proto=',
    check: 'Say vers=3 and no proto= in the template of cmdline.txt, or boot without an initramfs',
  },
  'firewall-nfs': {
    text: 'a firewall drops NFS (111, 2049 and 20048)',
    check: 'Let TCP and UDP 111, TCP 2049 and TCP and UDP 20048 in from the Pis',
  },
  'address-changed': {
    text: 'the kernel has another address than the firmware had, and the export is for that one',
    check: 'Have the DHCP server give addresses by MAC, whatever the client id',
  },
  'no-export': {
    text: 'what the Pi asks for is not exported to it',
    check: 'See that nfsroot= names its own root; look at GET /readyz for nfs and at the log for failed exports',
  },
  'not-told': {
    text: 'the image does not tell when it is ready: most do not',
    check: 'Have it call POST /pis/{id}/ready at its end, if it should',
  },
  clock: {
    text: "the Pi's clock is wrong: certificates look expired or not valid yet",
    check: 'Start an NTP client early, and let UDP 123 through',
  },
} as const satisfies { readonly [code: string]: { readonly text: string; readonly check: string } };

export type CauseCode = keyof typeof CAUSES;
