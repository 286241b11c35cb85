// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own free page reporting (merged in 5.7), to a device that only counts. Passes follow each other at once,
 * where the kernel waits two seconds. It takes zone->lock itself, so that no hold is timed here.
 */
#include "probe.h"

#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <linux/workqueue.h>

#if IS_ENABLED(CONFIG_PAGE_REPORTING)

/* A pass reports a sixteenth of a list. */
#define PASSES 1000

static struct probe_session *reported_to;
static struct page_reporting_dev_info device;
static bool is_registered;

static int report(struct page_reporting_dev_info *to, struct scatterlist *list, unsigned int count)
{
	struct scatterlist *entry;
	unsigned int i;

	for_each_sg(list, entry, count, i) {
		reported_to->blocks++;
		reported_to->pages += entry->length >> PAGE_SHIFT;
		reported_to->pfn_sum += page_to_pfn(sg_page(entry));
	}
	return 0;
}

static int collect(struct probe_session *session)
{
	unsigned int passes = 0;
	int error;

	/* 0 would stand for the kernel's default. */
	if (!session->order)
		return -EINVAL;
	reported_to = session;
	memset(&device, 0, sizeof(device));
	device.report = report;
	device.order = session->order;
	error = page_reporting_register(&device);
	if (error)
		return error;
	is_registered = true;
	/* Registering asks for the first; each asks for the next, until nothing is left to report. */
	do {
		flush_delayed_work(&device.work);
		if (fatal_signal_pending(current))
			error = -EINTR;
	} while (!error && atomic_read(&device.state) && ++passes < PASSES);
	return error ? error : passes == PASSES;
}

/*
 * Unregistering waits for a grace period, which isn't the session's. A block that is taken and freed isn't marked as
 * reported any more: the next session finds it again.
 */
static void reset(struct probe_session *session)
{
	struct probe_session all = { .order = session->order, .reserve = session->reserve };

	if (!is_registered)
		return;
	page_reporting_unregister(&device);
	is_registered = false;
	probe_alloc_max_order.collect(&all);
	probe_alloc_max_order.give_back(&all);
}

#else

static int collect(struct probe_session *session)
{
	return -EOPNOTSUPP;
}

static void reset(struct probe_session *session) { }

#endif

const struct probe_design probe_page_reporting = {
	.name = "page-reporting", .warms_up = true, .collect = collect, .reset = reset,
};
