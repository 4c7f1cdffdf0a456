import type { Exec } from '../../core/host/exec.ts';

/**
 * Sets up a loop device with the file behind it, and mounts that: one child process that takes no others, where losetup(8) and mount(8) were four and
 * took twice as long (ADR 20). The device has no life of its own: from its first moment it is freed with its last user (LO_FLAGS_AUTOCLEAR), which
 * is this process and then the mount, so that nothing is left of one that is killed or of a namespace that ends. Nor can anybody take the
 * file from it meanwhile: it is open before it has one. With a block size of its own the kernel does not take the sectors of the disk below,
 * with which an ext4 with smaller blocks could not be mounted. Where the file system below has no direct I/O the kernel does without.
 *
 * Numbers and `struct loop_config` are of the kernel's uapi/linux/loop.h (5.8 and later), those of the options of uapi/linux/mount.h.
 */
const MOUNT = `
# A module would take longer to load than all of this takes to run.
my ($LOOP_CTL_GET_FREE, $LOOP_CONFIGURE, $AUTOCLEAR, $DIRECT_IO, $EBUSY, $O_RDWR) = (0x4C82, 0x4C0A, 4, 16, 16, 2);
my ($file, $at, $SYS_mount) = @ARGV;
# What is opened stays open in mount(8).
$^F = 255;
sysopen(my $backing, $file, $O_RDWR) or die "$file: $!\\n";
sysopen(my $control, '/dev/loop-control', $O_RDWR) or die "/dev/loop-control: $!\\n";
for (1 .. 1000) {
  my $number = ioctl($control, $LOOP_CTL_GET_FREE, 0);
  defined $number or die "no free loop device: $!\\n";
  my $device = sprintf '/dev/loop%d', $number;
  sysopen(my $loop, $device, $O_RDWR) or die "$device: $!\\n";
  my $config = pack join(' ',
    'L',     # 0: fd
    'L',     # 4: block_size
    'x40',   # 8: info: lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit
    'x12',   # 48: lo_number, lo_encrypt_type, lo_encrypt_key_size
    'L',     # 60: lo_flags
    'a64',   # 64: lo_file_name
    'x112',  # 128: lo_crypt_name, lo_encrypt_key, lo_init
    'x64',   # 240: reserved
  ), fileno $backing, 512, $AUTOCLEAR | $DIRECT_IO, substr $file, 0, 63;
  if (!ioctl $loop, $LOOP_CONFIGURE, $config) {
    # Somebody else was told the same number, and was faster.
    next if $! == $EBUSY;
    die "$device: $!\\n";
  }
  my ($type, $options) = ('ext4', 'discard,errors=remount-ro');
  if ($SYS_mount == 0) {
    exec 'mount', '-t', $type, '-o', "nosuid,nodev,noexec,$options", $device, $at;
    die "mount: $!\\n";
  }
  # MS_NOSUID, MS_NODEV, MS_NOEXEC
  my $flags = 2 | 4 | 8;
  exit 0 if syscall($SYS_mount, $device, $at, $type, $flags, $options) == 0;
  die "mount: $!\\n";
}
die "each free loop device was taken by somebody else\\n";
`;

/** The number of mount(2), by the name that Node has for the machine (the kernel's syscall tables); where it is not known mount(8) does it. */
const SYS_MOUNT: { readonly [arch: string]: number } = { x64: 165, arm64: 40 };

/**
 * Mounts an ext4 file: no devices, no set-uid, nothing to run here; direct I/O, so that no block is cached twice. After an error it
 * is read-only, whatever its superblock says: then it is healed, not written on. No loop device has the file yet. Of another machine's
 * `arch` than this one's the numbers are not.
 */
export async function mountExt4(exec: Exec, file: string, at: string, arch: string = process.arch): Promise<void> {
  // Of any other locale it reads a dozen files first.
  const options = { timeoutMs: 60_000, env: { LC_ALL: 'C' } };
  await exec('perl', ['-e', MOUNT, file, at, String(SYS_MOUNT[arch] ?? 0)], options);
}
