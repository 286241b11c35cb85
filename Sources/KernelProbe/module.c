// SPDX-License-Identifier: GPL-2.0
/*
 * A loadable module: commands are written to /sys/kernel/debug/hintprobe/commands and executed by the write, which fails
 * with the first error; `result` beside it has what they printed. What `prepare` took stays, at
 * most until the module is unloaded.
 * Traces need what modules don't get.
 */
#include "probe.h"

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define COMMANDS_MAX (64 << 10)
#define RESULT_MAX (64UL << 20)

static DEFINE_MUTEX(lock);
static struct dentry *folder;
static char *result;
static size_t result_length;

static void append(struct probe_out *out, const char *text, size_t length)
{
	if (length > RESULT_MAX - result_length) {
		out->failed = true;
		return;
	}
	memcpy(result + result_length, text, length);
	result_length += length;
}

static ssize_t write_commands(struct file *file, const char __user *buffer, size_t count, loff_t *position)
{
	struct probe_out out = { .write = append };
	char *text;
	int error;

	if (count >= COMMANDS_MAX)
		return -EINVAL;
	text = memdup_user_nul(buffer, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	error = mutex_lock_killable(&lock);
	if (error) {
		kfree(text);
		return error;
	}
	result_length = 0;
	error = probe_run(text, &out);
	mutex_unlock(&lock);
	kfree(text);
	return error ? error : count;
}

static ssize_t read_result(struct file *file, char __user *buffer, size_t count, loff_t *position)
{
	ssize_t got;

	mutex_lock(&lock);
	got = simple_read_from_buffer(buffer, count, position, result, result_length);
	mutex_unlock(&lock);
	return got;
}

static const struct file_operations commands_file = { .owner = THIS_MODULE, .write = write_commands };
static const struct file_operations result_file = { .owner = THIS_MODULE, .read = read_result };

static int __init start(void)
{
	/* Memory is taken when the module is loaded, so that no command changes the lists by it. */
	result = vzalloc(RESULT_MAX);
	if (!result)
		return -ENOMEM;
	folder = debugfs_create_dir("hintprobe", NULL);
	debugfs_create_file("commands", 0200, folder, NULL, &commands_file);
	debugfs_create_file("result", 0400, folder, NULL, &result_file);
	return 0;
}
module_init(start);

static void __exit stop(void)
{
	debugfs_remove(folder);
	probe_release();
	vfree(result);
}
module_exit(stop);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hintbench: free-page-hinting designs on the kernel's own free lists");
