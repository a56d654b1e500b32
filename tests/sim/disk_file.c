/* disk_file.c - a file's bytes, and which of them a power loss leaves. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk_internal.h"

#define PAGE_BYTES 4096u

struct page {
    size_t refs;
    uint8_t bytes[PAGE_BYTES];
};

void *disk_alloc(void *old, size_t count, size_t size)
{
    void *p = reallocarray(old, count, size);

    CHECK(p != NULL);
    return p;
}

static void *alloc_new(size_t count, size_t size)
{
    return memset(disk_alloc(NULL, count, size), 0, count * size);
}

/* ---- contents ---- */

static void page_drop(struct page *page)
{
    if (page != NULL && --page->refs == 0)
        free(page);
}

/* The page as it may be written: there, and nobody else's. */
static struct page *page_own(struct page **slot)
{
    struct page *old = *slot;

    if (old != NULL && old->refs == 1)
        return old;
    *slot = alloc_new(1, sizeof **slot);
    (*slot)->refs = 1;
    if (old != NULL) {
        memcpy((*slot)->bytes, old->bytes, PAGE_BYTES);
        old->refs--;
    }
    return *slot;
}

static size_t pages_of(uint64_t size)
{
    return (size_t)((size + PAGE_BYTES - 1) / PAGE_BYTES);
}

static void content_clear(struct content *c)
{
    for (size_t i = 0; i < c->count; i++)
        page_drop(c->pages[i]);
    free(c->pages);
    *c = (struct content){NULL, 0, 0};
}

static void content_share(const struct content *from, struct content *to)
{
    content_clear(to);
    *to = *from;
    to->pages = disk_alloc(NULL, from->count + 1, sizeof *to->pages);
    for (size_t i = 0; i < from->count; i++) {
        to->pages[i] = from->pages[i];
        if (to->pages[i] != NULL)
            to->pages[i]->refs++;
    }
}

static void content_cut(struct content *c, uint64_t size)
{
    size_t keep = pages_of(size);
    size_t tail = (size_t)(size % PAGE_BYTES);

    for (size_t i = keep; i < c->count; i++) {
        page_drop(c->pages[i]);
        c->pages[i] = NULL;
    }
    if (size < c->size && tail > 0 && c->pages[keep - 1] != NULL)
        memset(page_own(&c->pages[keep - 1])->bytes + tail, 0,
               PAGE_BYTES - tail);
    c->size = size;
}

static void content_reach(struct content *c, uint64_t size)
{
    size_t need = pages_of(size);
    size_t cap = c->count == 0 ? 8 : c->count;

    if (size > c->size)
        c->size = size;
    if (need <= c->count)
        return;
    while (cap < need)
        cap *= 2;
    c->pages = disk_alloc(c->pages, cap, sizeof *c->pages);
    memset(c->pages + c->count, 0, (cap - c->count) * sizeof *c->pages);
    c->count = cap;
}

static void content_write(struct content *c, const uint8_t *p, size_t len,
                          uint64_t at)
{
    content_reach(c, at + len);
    while (len > 0) {
        size_t offset = (size_t)(at % PAGE_BYTES);
        size_t n = PAGE_BYTES - offset < len ? PAGE_BYTES - offset : len;

        memcpy(page_own(&c->pages[at / PAGE_BYTES])->bytes + offset, p, n);
        p += n;
        at += n;
        len -= n;
    }
}

static void content_read(const struct content *c, uint8_t *p, size_t len,
                         uint64_t at)
{
    while (len > 0) {
        size_t i = (size_t)(at / PAGE_BYTES);
        size_t offset = (size_t)(at % PAGE_BYTES);
        size_t n = PAGE_BYTES - offset < len ? PAGE_BYTES - offset : len;

        if (i < c->count && c->pages[i] != NULL)
            memcpy(p, c->pages[i]->bytes + offset, n);
        else
            memset(p, 0, n);
        p += n;
        at += n;
        len -= n;
    }
}

/* ---- files ---- */

struct inode *inode_new(void)
{
    struct inode *f = alloc_new(1, sizeof *f);

    f->refs = 1;
    return f;
}

void inode_ref(struct inode *f)
{
    f->refs++;
}

static void forget_changes(struct inode *f)
{
    for (size_t i = 0; i < f->change_count; i++)
        free(f->changes[i].bytes);
    f->change_count = 0;
}

void inode_unref(struct inode *f)
{
    if (f == NULL || --f->refs > 0)
        return;
    forget_changes(f);
    free(f->changes);
    content_clear(&f->now);
    content_clear(&f->synced);
    free(f);
}

/* Changes are written down as they are made. */
static void note(struct inode *f, const void *p, size_t len, uint64_t at)
{
    struct change change = {at, len, NULL};

    if (f->change_count == f->change_cap) {
        f->change_cap = f->change_cap == 0 ? 16 : 2 * f->change_cap;
        f->changes = disk_alloc(f->changes, f->change_cap, sizeof *f->changes);
    }
    if (p != NULL) {
        change.bytes = disk_alloc(NULL, len + 1, 1);
        memcpy(change.bytes, p, len);
    }
    f->changes[f->change_count++] = change;
}

size_t inode_read(const struct inode *f, void *p, size_t len, uint64_t at)
{
    uint64_t there = at < f->now.size ? f->now.size - at : 0;
    size_t n = there < len ? (size_t)there : len;

    content_read(&f->now, p, n, at);
    return n;
}

void inode_write(struct inode *f, const void *p, size_t len, uint64_t at)
{
    content_write(&f->now, p, len, at);
    note(f, p, len, at);
}

void inode_cut(struct inode *f, uint64_t size)
{
    content_reach(&f->now, size);
    content_cut(&f->now, size);
    note(f, NULL, 0, size);
}

static void apply(struct content *c, const struct change *change)
{
    if (change->bytes != NULL) {
        content_write(c, change->bytes, change->len, change->at);
        return;
    }
    content_reach(c, change->at);
    content_cut(c, change->at);
}

void inode_sync(struct inode *f)
{
    if (!f->sick && f->change_count > 0)
        content_share(&f->now, &f->synced);
    for (size_t i = 0; f->sick && i < f->change_count; i++)
        apply(&f->synced, &f->changes[i]);
    forget_changes(f);
}

/* The pages count as clean from here on, and are on no disk. */
void inode_sync_failed(struct inode *f)
{
    f->sick = true;
    forget_changes(f);
}

/* ---- what is left ---- */

/* Some of a write's sectors arrived. */
static void apply_torn(struct content *c, const struct change *change,
                       uint64_t *dice)
{
    size_t from = 0;

    while (from < change->len) {
        size_t n = DISK_SECTOR - (size_t)((change->at + from) % DISK_SECTOR);

        if (n > change->len - from)
            n = change->len - from;
        if (dice_next(dice) % 2 == 0)
            content_write(c, change->bytes + from, n, change->at + from);
        from += n;
    }
}

static void copy_all(const struct inode *f, struct inode *left)
{
    content_share(&f->now, &left->now);
    left->sick = f->sick;
    for (size_t i = 0; i < f->change_count; i++) {
        const struct change *c = &f->changes[i];

        note(left, c->bytes, c->len, c->at);
    }
}

struct inode *inode_left(const struct inode *f, enum disk_loss loss,
                         uint64_t *dice, unsigned kept_in_16)
{
    struct inode *left = inode_new();

    content_share(&f->synced, &left->synced);
    if (loss == DISK_KEEP) {
        copy_all(f, left);
        return left;
    }
    for (size_t i = 0; loss != DISK_NOTHING && i < f->change_count; i++) {
        uint64_t drawn = dice_next(dice);
        bool kept = drawn % 16 < kept_in_16;
        bool torn = loss == DISK_TORN && drawn / 16 % 2 == 0 &&
                    f->changes[i].bytes != NULL;

        if (torn)
            apply_torn(&left->synced, &f->changes[i], dice);
        else if (kept)
            apply(&left->synced, &f->changes[i]);
    }
    content_share(&left->synced, &left->now);
    return left;
}
