// SPDX-License-Identifier: GPL-2.0
/*
 * User Mode Linux: `hintprobe=COMMANDS,RESULT` on its command line names two files of the host. The probe runs before
 * there is any user space, and the kernel ends after it.
 */
#include "probe.h"

#include <linux/init.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <os.h>

#define COMMANDS_MAX (64 << 10)
#define BUFFER (64 << 10)

static char *files __initdata;

static int __init take_files(char *text)
{
	files = text;
	return 1;
}
__setup("hintprobe=", take_files);

struct uml_out {
	struct probe_out out;
	int fd;
	size_t used;
	char *buffer;
};

static void flush(struct uml_out *uml)
{
	size_t at = 0;

	while (at < uml->used && !uml->out.failed) {
		const int written = os_write_file(uml->fd, uml->buffer + at, uml->used - at);

		if (written <= 0)
			uml->out.failed = true;
		else
			at += written;
	}
	uml->used = 0;
}

static void write(struct probe_out *out, const char *text, size_t length)
{
	struct uml_out *uml = container_of(out, struct uml_out, out);

	if (uml->used + length > BUFFER)
		flush(uml);
	memcpy(uml->buffer + uml->used, text, length);
	uml->used += length;
}

static int __init run(const char *commands, const char *result)
{
	struct uml_out uml = { .out.write = write };
	char *text = kzalloc(COMMANDS_MAX, GFP_KERNEL);
	int fd, got, error = -ENOMEM;

	uml.buffer = kmalloc(BUFFER, GFP_KERNEL);
	if (!text || !uml.buffer)
		goto out;
	fd = os_open_file(commands, of_read(OPENFLAGS()), 0);
	error = fd;
	if (fd < 0)
		goto out;
	got = os_read_file(fd, text, COMMANDS_MAX - 1);
	os_close_file(fd);
	error = got;
	if (got < 0)
		goto out;
	uml.fd = os_open_file(result, of_create(of_write(OPENFLAGS())), 0644);
	error = uml.fd;
	if (uml.fd < 0)
		goto out;
	error = probe_run(text, &uml.out);
	probe_release();
	flush(&uml);
	os_close_file(uml.fd);
out:
	kfree(text);
	kfree(uml.buffer);
	return error;
}

static int __init start(void)
{
	char *result = files ? strchr(files, ',') : NULL;
	int error;

	if (!files)
		return 0;
	error = -EINVAL;
	if (result) {
		*result++ = 0;
		error = run(files, result);
	}
	pr_emerg("hintprobe: ended with %d\n", error);
	kernel_power_off();
	return 0;
}
late_initcall_sync(start);
