/*
 * What nfs-ganesha 4.3 does not check of what clients send, checked in front of it. Bakery compiles this file (guard.ts) and has
 * it loaded into ganesha.nfsd before everything else (LD_PRELOAD, ld.so(8)).
 *
 * 1. Names. NFSv3 names reach the system calls as they came: LOOKUP, CREATE, REMOVE, … of "../../etc/shadow" or "/etc/shadow" did what
 *    they say, as root, outside the export and outside every volume (measured). RFC 1813 §3.2 leaves it to servers what a name may
 *    have in it. The kernel's server refuses a slash (fs/nfsd/nfs3xdr.c, svcxdr_decode_filename3); so do we, where a name is used:
 *    relative to a folder that is open. And ".." never leads out of a file system.
 * 2. Handles. One with the bit HANDLE_DUMMY (src/FSAL/FSAL_VFS/os/linux/handle_syscalls.c) is compared with no export, and a short one
 *    has memcpy() copy 4 GiB: the server is dead (measured). ganesha makes none of these itself for a volume.
 *
 * Everything else is passed on as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The function that would have been called without us. Looked up once: dlsym(3) takes a lock. Two threads find the same. */
#define NEXT(name)                                                \
	static __typeof__(&name) next;                            \
	if (next == NULL)                                         \
		next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* libblkid reads its way through these with slashes, of paths that the kernel made. No client has a folder of them. */
static bool is_kernels_own(int folder)
{
	struct statfs fs;

	return fstatfs(folder, &fs) == 0 && (fs.f_type == SYSFS_MAGIC || fs.f_type == PROC_SUPER_MAGIC);
}

static bool leaves_file_system(int folder, const char *name)
{
	struct statx from, to;

	/* Found out with statx(2), which is not one of the calls below. */
	if (statx(folder, "", AT_EMPTY_PATH, 0, &from) != 0 || statx(folder, name, AT_SYMLINK_NOFOLLOW, 0, &to) != 0)
		return true;
	return from.stx_dev_major != to.stx_dev_major || from.stx_dev_minor != to.stx_dev_minor;
}

/* True for a name that no client may use, with errno set. */
static bool refuse(int folder, const char *name)
{
	if (folder == AT_FDCWD || name == NULL)
		return false;
	if (strchr(name, '/') != NULL && !is_kernels_own(folder)) {
		errno = EINVAL;
		return true;
	}
	if (strcmp(name, "..") == 0 && leaves_file_system(folder, name)) {
		errno = EACCES;
		return true;
	}
	return false;
}

/* Debian's ganesha has the calls with 64; one that was compiled otherwise has those without. */
int openat64(int folder, const char *name, int flags, ...)
{
	NEXT(openat64);
	mode_t mode = 0;

	if (__OPEN_NEEDS_MODE(flags)) {
		va_list rest;

		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	return refuse(folder, name) ? -1 : next(folder, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...)
{
	NEXT(openat);
	mode_t mode = 0;

	if (__OPEN_NEEDS_MODE(flags)) {
		va_list rest;

		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	return refuse(folder, name) ? -1 : next(folder, name, flags, mode);
}

/* What openat() without a mode is compiled to with _FORTIFY_SOURCE. */
int __openat64_2(int folder, const char *name, int flags);
int __openat64_2(int folder, const char *name, int flags)
{
	NEXT(__openat64_2);
	return refuse(folder, name) ? -1 : next(folder, name, flags);
}

int __openat_2(int folder, const char *name, int flags);
int __openat_2(int folder, const char *name, int flags)
{
	NEXT(__openat_2);
	return refuse(folder, name) ? -1 : next(folder, name, flags);
}

int fstatat64(int folder, const char *name, struct stat64 *found, int flags)
{
	NEXT(fstatat64);
	return refuse(folder, name) ? -1 : next(folder, name, found, flags);
}

int fstatat(int folder, const char *name, struct stat *found, int flags)
{
	NEXT(fstatat);
	return refuse(folder, name) ? -1 : next(folder, name, found, flags);
}

int name_to_handle_at(int folder, const char *name, struct file_handle *handle, int *mount, int flags)
{
	NEXT(name_to_handle_at);
	return refuse(folder, name) ? -1 : next(folder, name, handle, mount, flags);
}

int mkdirat(int folder, const char *name, mode_t mode)
{
	NEXT(mkdirat);
	return refuse(folder, name) ? -1 : next(folder, name, mode);
}

int mknodat(int folder, const char *name, mode_t mode, dev_t device)
{
	NEXT(mknodat);
	return refuse(folder, name) ? -1 : next(folder, name, mode, device);
}

/* What a link says is the client's affair: the server does not follow it. */
int symlinkat(const char *target, int folder, const char *name)
{
	NEXT(symlinkat);
	return refuse(folder, name) ? -1 : next(target, folder, name);
}

int linkat(int from, const char *name, int to, const char *new_name, int flags)
{
	NEXT(linkat);
	return refuse(from, name) || refuse(to, new_name) ? -1 : next(from, name, to, new_name, flags);
}

int unlinkat(int folder, const char *name, int flags)
{
	NEXT(unlinkat);
	return refuse(folder, name) ? -1 : next(folder, name, flags);
}

int renameat(int from, const char *name, int to, const char *new_name)
{
	NEXT(renameat);
	return refuse(from, name) || refuse(to, new_name) ? -1 : next(from, name, to, new_name);
}

int renameat2(int from, const char *name, int to, const char *new_name, unsigned int flags)
{
	NEXT(renameat2);
	return refuse(from, name) || refuse(to, new_name) ? -1 : next(from, name, to, new_name, flags);
}

int fchownat(int folder, const char *name, uid_t user, gid_t group, int flags)
{
	NEXT(fchownat);
	return refuse(folder, name) ? -1 : next(folder, name, user, group, flags);
}

int fchmodat(int folder, const char *name, mode_t mode, int flags)
{
	NEXT(fchmodat);
	return refuse(folder, name) ? -1 : next(folder, name, mode, flags);
}

int utimensat(int folder, const char *name, const struct timespec times[2], int flags)
{
	NEXT(utimensat);
	return refuse(folder, name) ? -1 : next(folder, name, times, flags);
}

ssize_t readlinkat(int folder, const char *name, char *target, size_t size)
{
	NEXT(readlinkat);
	return refuse(folder, name) ? -1 : next(folder, name, target, size);
}

/* src/include/gsh_types.h */
struct gsh_buffdesc {
	void *addr;
	size_t len;
};

/*
 * Takes the place of the function of that name in libfsalvfs.so: true for handles as ganesha itself makes them for a file of a volume,
 * which are flags (1 byte), fsid (8 or 16), type (1), and what name_to_handle_at(2) says, of which there may be 48 bytes.
 */
bool vfs_valid_handle(struct gsh_buffdesc *handle);
bool vfs_valid_handle(struct gsh_buffdesc *handle)
{
	/* The high two bits: the type has one byte. The third: HANDLE_DUMMY. The rest is an enum fsid_type (src/include/fsal_api.h). */
	static const unsigned char fsid_size[] = { 0, 8, 8, 16, 8, 8 };
	const unsigned char *bytes = handle->addr;
	size_t head;

	if (bytes == NULL || handle->len == 0 || (bytes[0] & 0xe0) != 0x40)
		return false;
	if ((bytes[0] & 0x1f) == 0 || (bytes[0] & 0x1f) >= sizeof(fsid_size))
		return false;
	head = 1 + fsid_size[bytes[0] & 0x1f] + 1;
	return handle->len >= head + 8 && handle->len <= head + 48 && handle->len <= 59;
}

/* ganesha loads libfsalvfs.so with RTLD_DEEPBIND: it would find the C library's functions, and its own, before ours. */
void *dlopen(const char *file, int flags)
{
	NEXT(dlopen);
	return next(file, flags & ~RTLD_DEEPBIND);
}
