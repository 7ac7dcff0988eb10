#include "templates/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "runtime/base/err.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define TRIES 64 /* more than that many others that take devices from under our nose are not to be expected */

static int bind_device(const char *device, int file, const char *path)
{
	cleanup_fd int fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	struct loop_config config = {
		.fd = (__u32)file,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO,
	};
	snprintf((char *)config.info.lo_file_name, sizeof(config.info.lo_file_name), "%s", path);
	if (ioctl(fd, LOOP_CONFIGURE, &config) < 0)
		return -errno;
	return steal_fd(&fd);
}

int loop_open(int file, const char *path, char **ret_device, struct err *err)
{
	cleanup_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return err_set(err, errno, "open /dev/loop-control (is the module loop loaded?)");

	int fd = -EBUSY;
	for (int i = 0; i < TRIES && fd == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			return err_set(err, errno, "get a free loop device");

		cleanup_free char *device = str_fmt("/dev/loop%d", number);
		fd = bind_device(device, file, path);
		if (fd >= 0)
			*ret_device = steal_ptr(device);
	}
	if (fd < 0)
		return err_set(err, -fd, "bind %s to a loop device", path);
	return fd;
}
