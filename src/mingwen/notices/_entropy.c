/* Huffman-coded data of JPEG: skimmed, read, written and spliced (ITU-T T.81, Annexes F and G).

   The same functions stand in _entropy_pure.py, slowly; _entropy.pyi says what they take and return. Coded data come
   unstuffed ("plain": FF 00 is FF), one restart interval at a time; coefficients are int16 in zigzag order.

   A lookup table has an entry for each 12-bit window, then one for each 16-bit window:
     bits 24-28  length of the code, 0 where none is or where it is longer than the window
     bits 16-23  its symbol
     bits  0-4   bits of a leap: as many AC symbols with their extra bits as begin and have their code within the window
     bits  5-12  coefficients it passes, and one more if it ends the block (so it must fit into what is left of a block)
     bit  13     the leap ends the block
   Everything comes from files of strangers: each read and write is bounded here, whatever the tables say. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { QUICK = 1 << 12, TABLE = QUICK + (1 << 16), SLOTS = 4, MARK = 2 + SLOTS, MCU_BLOCKS = 10 };
enum { BLOCK_ROOM = 64 * 8 }; /* bytes: 64 times a code of up to 31 bits and 15 more, and what else there is */
enum { DC_SIZE = 11, DC_BOUND = 16383, EOB_RUN = 0x7FFF, CORRECTIONS = 1024 };

static const char NO_CODE[] = "expected a Huffman code, found other bits";
static const char SHORT[] = "expected more coded data, found their end";
static const char PAST[] = "expected at most 64 coefficients in a block";
static const char RANGE[] = "expected a coefficient in range";
static const char SHAPE[] = "arrays do not fit each other";
static const char MEMORY[] = "out of memory";

/* --- arguments --------------------------------------------------------------------------------------------------------- */

enum { MOST = 7 };

typedef struct {
    Py_buffer views[MOST];
    int count;
} Views;

static void release(Views *views)
{
    while (views->count)
        PyBuffer_Release(&views->views[--views->count]);
}

/* Take the first arguments as buffers of items of the given sizes (negative: written to). */
static int take(Views *views, PyObject *args, const int *items, int count, int more)
{
    views->count = 0;
    if (PyTuple_Size(args) != count + more) {
        PyErr_SetString(PyExc_TypeError, "wrong number of arguments");
        return 0;
    }
    for (int i = 0; i < count; i++) {
        Py_buffer *view = &views->views[i];
        int size = abs(items[i]);
        if (PyObject_GetBuffer(PyTuple_GetItem(args, i), view, items[i] < 0 ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0) {
            release(views);
            return 0;
        }
        views->count++;
        if (view->len % size || (uintptr_t)view->buf % (size_t)size) {
            PyErr_SetString(PyExc_ValueError, SHAPE);
            release(views);
            return 0;
        }
    }
    return 1;
}

/* Take the arguments behind the buffers as numbers from 0 on. */
static int numbers(Views *views, PyObject *args, int64_t *out, int count)
{
    for (int i = 0; i < count; i++) {
        out[i] = PyLong_AsLongLong(PyTuple_GetItem(args, views->count + i));
        if (out[i] < 0) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_ValueError, SHAPE);
            release(views);
            return 0;
        }
    }
    return 1;
}

static PyObject *failed(const char *why)
{
    if (why == MEMORY)
        return PyErr_NoMemory();
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

static int64_t items(const Py_buffer *view, int size)
{
    return (int64_t)view->len / size;
}

/* The pattern of an MCU: a slot for its DC prediction, a DC and an AC table for each block. */
static int fits(const Py_buffer *pattern, int64_t tables)
{
    const uint8_t *block = pattern->buf;
    if (pattern->len % 3 || pattern->len < 3 || pattern->len > 3 * MCU_BLOCKS)
        return 0;
    for (Py_ssize_t i = 0; i < pattern->len; i += 3)
        if (block[i] >= SLOTS || block[i + 1] >= tables || block[i + 2] >= tables)
            return 0;
    return 1;
}

/* --- reading bits ------------------------------------------------------------------------------------------------------ */

typedef struct {
    const uint8_t *bytes;
    uint64_t size; /* in bytes */
    uint64_t at;   /* in bits */
} Source;

/* At least 57 bits from where the source stands; ones behind its end. */
static inline uint64_t window(const Source *in)
{
    uint64_t at = in->at >> 3, bits = 0;
    if (at + 8 <= in->size) {
        const uint8_t *p = in->bytes + at;
        bits = (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24
               | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | (uint64_t)p[7];
    } else {
        for (uint64_t i = at; i < at + 8; i++)
            bits = bits << 8 | (i < in->size ? in->bytes[i] : 0xFF);
    }
    return bits << (in->at & 7);
}

static inline uint32_t entry(const uint32_t *table, uint64_t bits)
{
    uint32_t found = table[bits >> 52];
    return found >> 24 ? found : table[QUICK + (bits >> 48)];
}

/* T.81 F.2.2.1, EXTEND: the value of the first ``size`` bits, 0 to 15. */
static inline int32_t extended(uint64_t bits, unsigned size)
{
    if (!size)
        return 0;
    int32_t value = (int32_t)(bits >> (64 - size));
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

static inline const char *read_dc(Source *in, const uint32_t *table, int64_t *before)
{
    uint64_t bits = window(in);
    uint32_t found = entry(table, bits);
    unsigned length = found >> 24 & 31, size = found >> 16 & 255;
    if (!length || size > DC_SIZE)
        return NO_CODE;
    *before += extended(bits << length, size);
    in->at += length + size;
    return NULL;
}

/* Pass the AC coefficients of a sequential block. */
static inline const char *pass_ac(Source *in, const uint32_t *table)
{
    for (unsigned k = 1; k < 64;) {
        uint64_t bits = window(in);
        unsigned used = 0;
        while (used <= 30 && k < 64) { /* a leap takes up to 27 bits, a code 16: they are there */
            uint32_t found = table[bits << used >> 52];
            unsigned leap = found & 31, reach = found >> 5 & 255;
            if (leap && k + reach <= 64) {
                used += leap;
                k += found >> 13 & 1 ? 64 : reach;
                continue;
            }
            found = entry(table, bits << used);
            unsigned length = found >> 24 & 31, run = found >> 20 & 15, size = found >> 16 & 15;
            if (!length || (size && k + run > 63))
                return length ? PAST : NO_CODE;
            used += length + size;
            k += size || run == 15 ? run + 1 : 64;
        }
        in->at += used;
    }
    return in->at > in->size * 8 ? SHORT : NULL;
}

/* Read the AC coefficients of a sequential block. */
static inline const char *read_ac(Source *in, const uint32_t *table, int16_t *out)
{
    for (unsigned k = 1; k < 64; k++) {
        uint64_t bits = window(in);
        uint32_t found = entry(table, bits);
        unsigned length = found >> 24 & 31, run = found >> 20 & 15, size = found >> 16 & 15;
        if (!length)
            return NO_CODE;
        in->at += length + size;
        if (!size && run != 15)
            break;
        k += run;
        if (size && k > 63)
            return PAST;
        if (size)
            out[k] = (int16_t)extended(bits << length, size);
    }
    return in->at > in->size * 8 ? SHORT : NULL;
}

/* --- writing bits ------------------------------------------------------------------------------------------------------ */

typedef struct {
    uint8_t *bytes;
    size_t size, room;
    uint64_t held; /* the last ``count`` bits, fewer than 32, are not among the bytes yet */
    unsigned count;
    const uint32_t *codes; /* length << 16 | code, 256 a table */
    int64_t *tally;        /* how often each symbol was written, 256 a table */
} Sink;

static int reserve(Sink *sink, uint64_t more)
{
    if (more > SIZE_MAX / 4 || sink->room - sink->size >= more)
        return sink->room - sink->size >= more;
    size_t room = sink->room * 2 + (size_t)more;
    uint8_t *bytes = realloc(sink->bytes, room);
    if (bytes)
        sink->bytes = bytes, sink->room = room;
    return bytes != NULL;
}

/* Append up to 32 bits; there must be room for four bytes. */
static inline void put(Sink *sink, uint32_t value, unsigned count)
{
    sink->held = sink->held << count | (value & (uint32_t)((UINT64_C(1) << count) - 1));
    sink->count += count;
    if (sink->count >= 32) {
        uint32_t word = (uint32_t)(sink->held >> (sink->count -= 32));
        uint8_t *p = sink->bytes + sink->size;
        p[0] = (uint8_t)(word >> 24), p[1] = (uint8_t)(word >> 16), p[2] = (uint8_t)(word >> 8), p[3] = (uint8_t)word;
        sink->size += 4;
    }
}

static inline void put_symbol(Sink *sink, unsigned table, unsigned symbol)
{
    uint32_t code = sink->codes[table * 256 + symbol];
    sink->tally[table * 256 + symbol]++;
    put(sink, code & 0xFFFF, code >> 16 & 31);
}

static inline unsigned size_of(uint32_t value)
{
#if defined(__GNUC__)
    return value ? 32 - (unsigned)__builtin_clz(value) : 0;
#else
    unsigned size = 0;
    while (value >> size)
        size++;
    return size;
#endif
}

/* The extra bits of a value of ``size`` bits: a negative one is written less one. */
static inline void put_value(Sink *sink, int32_t value, unsigned size)
{
    put(sink, (uint32_t)(value < 0 ? value - 1 : value), size);
}

static void write_dc(Sink *sink, unsigned table, int32_t difference)
{
    unsigned size = size_of((uint32_t)abs(difference));
    put_symbol(sink, table, size);
    put_value(sink, difference, size);
}

static void write_ac(Sink *sink, unsigned table, const int16_t *block)
{
    unsigned run = 0;
    for (unsigned k = 1; k < 64; k++) {
        int32_t value = block[k];
        if (!value) {
            uint64_t four = 1;
            if (!(k & 3))
                memcpy(&four, block + k, sizeof four);
            run += four ? 1 : 4;
            k += four ? 0 : 3;
            continue;
        }
        for (; run > 15; run -= 16)
            put_symbol(sink, table, 0xF0);
        unsigned size = size_of((uint32_t)abs(value)) & 15;
        put_symbol(sink, table, run << 4 | size);
        put_value(sink, value, size);
        run = 0;
    }
    if (run)
        put_symbol(sink, table, 0);
}

/* Append bits of the source as they are, up to ``stop``. */
static int copy(Sink *sink, Source *in, uint64_t stop)
{
    if (!reserve(sink, (stop - in->at) / 8 + 16))
        return 0;
    if (!sink->count && !(in->at & 7)) {
        size_t whole = (size_t)((stop - in->at) >> 3);
        memcpy(sink->bytes + sink->size, in->bytes + (in->at >> 3), whole);
        sink->size += whole;
        in->at += (uint64_t)whole << 3;
    }
    for (; stop - in->at >= 32; in->at += 32)
        put(sink, (uint32_t)(window(in) >> 32), 32);
    if (stop > in->at)
        put(sink, (uint32_t)(window(in) >> (64 - (stop - in->at))), (unsigned)(stop - in->at));
    in->at = stop;
    return 1;
}

/* Return ``(bytes, bits)``, the last byte filled up with ones (T.81 F.1.2.3). */
static PyObject *finished(Sink *sink, const char *why)
{
    PyObject *result = NULL;
    uint64_t bits = (uint64_t)sink->size * 8 + sink->count;
    if (!why && !reserve(sink, 16))
        why = MEMORY;
    if (!why) {
        put(sink, 0xFF, (8 - sink->count % 8) % 8);
        while (sink->count)
            sink->bytes[sink->size++] = (uint8_t)(sink->held >> (sink->count -= 8));
        result = Py_BuildValue("(y#K)", (const char *)sink->bytes, (Py_ssize_t)sink->size, (unsigned long long)bits);
    }
    free(sink->bytes);
    return why ? failed(why) : result;
}

/* --- markers and stuffing ---------------------------------------------------------------------------------------------- */

static PyObject *next_marker(PyObject *self, PyObject *args)
{
    Views views;
    int64_t at;
    (void)self;
    if (!take(&views, args, (const int[]){1}, 1, 1) || !numbers(&views, args, &at, 1))
        return NULL;
    const uint8_t *bytes = views.views[0].buf;
    int64_t size = views.views[0].len, found = -1;
    Py_BEGIN_ALLOW_THREADS
    while (found < 0 && at + 1 < size) {
        const uint8_t *p = memchr(bytes + at, 0xFF, (size_t)(size - 1 - at));
        if (!p)
            break;
        at = p - bytes + 1;
        if (p[1])
            found = p - bytes;
    }
    Py_END_ALLOW_THREADS
    release(&views);
    return PyLong_FromLongLong(found);
}

static PyObject *plain(PyObject *self, PyObject *args)
{
    Views views;
    int64_t range[2];
    (void)self;
    if (!take(&views, args, (const int[]){1}, 1, 2) || !numbers(&views, args, range, 2))
        return NULL;
    PyObject *result = NULL;
    if (range[1] > views.views[0].len || range[0] > range[1])
        failed(SHAPE);
    else
        result = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(range[1] - range[0]));
    if (result) {
        const uint8_t *from = (const uint8_t *)views.views[0].buf + range[0], *stop = from + (range[1] - range[0]);
        uint8_t *start = (uint8_t *)PyByteArray_AsString(result), *to = start;
        while (from < stop) {
            const uint8_t *p = memchr(from, 0xFF, (size_t)(stop - from));
            size_t count = (size_t)((p ? p + 1 : stop) - from);
            memcpy(to, from, count);
            to += count, from += count;
            if (p && from < stop && !*from)
                from++;
        }
        if (PyByteArray_Resize(result, to - start) < 0)
            Py_CLEAR(result);
    }
    release(&views);
    return result;
}

/* --- sequential scans -------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *pattern;
    int blocks;
    const int64_t *wanted;
    int64_t count, last;
    int16_t *coefs;
    int64_t *marks;
} Reading;

static const char *skim(Source *in, const uint32_t *tables, const Reading *job)
{
    int64_t before[SLOTS] = {0}, next = 0;
    for (int64_t mcu = 0; mcu < job->last; mcu++) {
        int full = next < job->count && job->wanted[next] == mcu;
        int64_t *mark = job->marks + next * MARK;
        if (full) {
            mark[0] = (int64_t)in->at;
            memcpy(mark + 2, before, sizeof before);
        }
        for (int i = 0; i < job->blocks; i++) {
            const uint8_t *block = job->pattern + 3 * i;
            int64_t *dc = before + block[0];
            int16_t *out = full ? job->coefs + (next * job->blocks + i) * 64 : NULL;
            const char *why = read_dc(in, tables + block[1] * TABLE, dc);
            if (!why && out) {
                memset(out, 0, 64 * sizeof *out);
                if (*dc < -DC_BOUND || *dc > DC_BOUND)
                    why = RANGE;
                out[0] = (int16_t)*dc;
            }
            if (!why)
                why = out ? read_ac(in, tables + block[2] * TABLE, out) : pass_ac(in, tables + block[2] * TABLE);
            if (why)
                return why;
        }
        if (full) {
            for (int i = 0; i < SLOTS; i++)
                if (mark[2 + i] < -DC_BOUND || mark[2 + i] > DC_BOUND)
                    return RANGE;
            mark[1] = (int64_t)in->at;
            next++;
        }
    }
    return next < job->count ? SHAPE : NULL;
}

static PyObject *read_mcus(PyObject *self, PyObject *args)
{
    Views views;
    int64_t last;
    (void)self;
    if (!take(&views, args, (const int[]){1, 4, 1, 8, -2, -8}, 6, 1) || !numbers(&views, args, &last, 1))
        return NULL;
    Py_buffer *v = views.views;
    Source in = {v[0].buf, (uint64_t)v[0].len, 0};
    Reading job = {v[2].buf, (int)(v[2].len / 3), v[3].buf, items(&v[3], 8), last, v[4].buf, v[5].buf};
    const char *why = SHAPE;
    if (fits(&v[2], items(&v[1], 4 * TABLE)) && items(&v[4], 128) == job.count * job.blocks && v[4].len % 128 == 0
        && items(&v[5], 8) == job.count * MARK) {
        Py_BEGIN_ALLOW_THREADS
        why = skim(&in, v[1].buf, &job);
        Py_END_ALLOW_THREADS
    }
    release(&views);
    return why ? failed(why) : PyLong_FromUnsignedLongLong(in.at);
}

static const char *splice(Sink *sink, Source *in, const Reading *job, uint64_t stop)
{
    int64_t before[SLOTS] = {0};
    in->at = job->count ? (uint64_t)job->marks[0] & ~UINT64_C(7) : stop;
    for (int64_t n = 0; n < job->count; n++) {
        const int64_t *mark = job->marks + n * MARK;
        if (mark[0] < 0 || (uint64_t)mark[0] < in->at || mark[1] < mark[0] || (uint64_t)mark[1] > stop)
            return SHAPE;
        if (!n || (uint64_t)mark[0] > in->at) {
            if (!copy(sink, in, (uint64_t)mark[0]))
                return MEMORY;
            memcpy(before, mark + 2, sizeof before);
        }
        in->at = (uint64_t)mark[1];
        for (int i = 0; i < job->blocks; i++) {
            const uint8_t *block = job->pattern + 3 * i;
            const int16_t *coefs = job->coefs + (n * job->blocks + i) * 64;
            int64_t difference = coefs[0] - before[block[0]];
            if (!reserve(sink, BLOCK_ROOM))
                return MEMORY;
            if (difference < -32767 || difference > 32767)
                return RANGE;
            write_dc(sink, block[1], (int32_t)difference);
            write_ac(sink, block[2], coefs);
            before[block[0]] = coefs[0];
        }
    }
    return copy(sink, in, stop) ? NULL : MEMORY;
}

static PyObject *write_mcus(PyObject *self, PyObject *args)
{
    Views views;
    int64_t stop;
    (void)self;
    if (!take(&views, args, (const int[]){1, 4, 1, 2, 8, -8}, 6, 1) || !numbers(&views, args, &stop, 1))
        return NULL;
    Py_buffer *v = views.views;
    Source in = {v[0].buf, (uint64_t)v[0].len, 0};
    Reading job = {v[2].buf, (int)(v[2].len / 3), NULL, items(&v[4], 8 * MARK), 0, v[3].buf, v[4].buf};
    Sink sink = {.codes = v[1].buf, .tally = v[5].buf};
    const char *why = SHAPE;
    if (fits(&v[2], items(&v[1], 1024)) && items(&v[5], 8) >= items(&v[1], 4) && v[3].len == job.count * job.blocks * 128
        && v[4].len % (8 * MARK) == 0 && (uint64_t)stop <= in.size * 8) {
        Py_BEGIN_ALLOW_THREADS
        why = splice(&sink, &in, &job, (uint64_t)stop);
        Py_END_ALLOW_THREADS
    }
    release(&views);
    return finished(&sink, why);
}

/* --- scans of a progressive picture ------------------------------------------------------------------------------------ */

typedef struct {
    const uint8_t *pattern;
    int blocks;
    const int64_t *order; /* which block each of the scan's is */
    int64_t count;
    int16_t *coefs;
    int64_t total;                /* of blocks in coefs */
    unsigned first, last, high, low; /* Ss, Se, Ah, Al */
    /* of AC scans */
    int64_t run;             /* blocks to come that end before they begin */
    uint8_t buffered[CORRECTIONS]; /* correction bits to write behind the next code */
    unsigned corrections;
} Band;

static inline unsigned bit(Source *in)
{
    unsigned value = (unsigned)(window(in) >> 63);
    in->at++;
    return value;
}

static inline const char *set(int16_t *coef, int64_t value)
{
    if (value < -DC_BOUND || value > DC_BOUND)
        return RANGE;
    *coef = (int16_t)value;
    return NULL;
}

/* G.1.2.3: a correction bit moves a coefficient with a history away from zero. */
static inline const char *correct(Source *in, int16_t *coef, int32_t step)
{
    if (!bit(in) || *coef & step)
        return NULL;
    return set(coef, *coef < 0 ? *coef - step : *coef + step);
}

/* Read one block of an AC scan, first pass or refinement (G.1.2.2, G.1.2.3). */
static const char *read_band_block(Source *in, const uint32_t *table, Band *band, int16_t *coefs)
{
    int32_t step = 1 << band->low;
    unsigned k = band->first;
    const char *why = NULL;
    while (!band->run && k <= band->last) {
        uint64_t bits = window(in);
        uint32_t found = entry(table, bits);
        unsigned length = found >> 24 & 31, zeros = found >> 20 & 15, size = found >> 16 & 15;
        if (!length || (band->high && size > 1))
            return NO_CODE;
        in->at += length;
        int64_t value = (int64_t)extended(bits << length, size) * step;
        if (!size && zeros < 15) {
            band->run = (1 << zeros) + (zeros ? (int64_t)(bits << length >> (64 - zeros)) : 0);
            in->at += zeros;
            break;
        }
        in->at += size;
        for (; k <= band->last; k++) { /* pass zeros; each coefficient that is not zero already has a correction bit */
            if (band->high && coefs[k]) {
                if ((why = correct(in, coefs + k, step)))
                    return why;
            } else if (!zeros--) {
                break;
            }
        }
        if (size && k > band->last)
            return PAST;
        if (size && (why = set(coefs + k, value)))
            return why;
        k++;
    }
    if (band->run) {
        band->run--;
        for (; band->high && k <= band->last; k++)
            if (coefs[k] && (why = correct(in, coefs + k, step)))
                return why;
    }
    return NULL;
}

static const char *read_band(Source *in, const uint32_t *tables, Band *band)
{
    int64_t before[SLOTS] = {0};
    for (int64_t n = 0; n < band->count; n++) {
        const uint8_t *block = band->pattern + 3 * (n % band->blocks);
        int16_t *coefs = band->coefs + band->order[n] * 64;
        const char *why = NULL;
        if (band->order[n] < 0 || band->order[n] >= band->total)
            return SHAPE;
        if (band->first)
            why = read_band_block(in, tables + block[2] * TABLE, band, coefs);
        else if (band->high)
            coefs[0] = (int16_t)(coefs[0] | (int)bit(in) << band->low);
        else if (!(why = read_dc(in, tables + block[1] * TABLE, before + block[0])))
            why = set(coefs, before[block[0]] * (1 << band->low));
        if (why)
            return why;
        if (in->at > in->size * 8)
            return SHORT;
    }
    return band->run ? PAST : NULL;
}

/* Write what is due: a run of ended blocks, then the correction bits of those blocks. */
static void put_run(Sink *sink, unsigned table, Band *band)
{
    if (band->run) {
        unsigned size = size_of((uint32_t)band->run) - 1;
        put_symbol(sink, table, size << 4);
        put(sink, (uint32_t)band->run, size);
        band->run = 0;
    }
    for (unsigned i = 0; i < band->corrections; i++)
        put(sink, band->buffered[i], 1);
    band->corrections = 0;
}

static void write_band_block(Sink *sink, unsigned table, Band *band, const int16_t *coefs)
{
    unsigned run = 0, end = band->first, own = 0; /* own: where this block's correction bits begin */
    uint8_t bits[64];
    for (unsigned k = band->first; k <= band->last; k++) {
        int value = abs(coefs[k]) >> band->low;
        if (band->high ? value == 1 : value)
            end = k + 1;
    }
    for (unsigned k = band->first; k <= band->last; k++) {
        int32_t value = abs(coefs[k]) >> band->low;
        if (!value) {
            run++;
            continue;
        }
        for (; run > 15 && k < end; run -= 16) {
            put_run(sink, table, band);
            put_symbol(sink, table, 0xF0);
            for (unsigned i = 0; i < own; i++)
                put(sink, bits[i], 1);
            own = 0;
        }
        if (band->high && value > 1) {
            bits[own++] = value & 1;
            continue;
        }
        unsigned size = band->high ? 1 : size_of((uint32_t)value) & 15;
        put_run(sink, table, band);
        put_symbol(sink, table, run << 4 | size);
        if (band->high)
            put(sink, coefs[k] > 0, 1);
        else
            put_value(sink, coefs[k] < 0 ? -value : value, size);
        for (unsigned i = 0; i < own; i++)
            put(sink, bits[i], 1);
        own = run = 0;
    }
    if (run || own) {
        band->run++;
        memcpy(band->buffered + band->corrections, bits, own);
        band->corrections += own;
        if (band->run == EOB_RUN || band->corrections > CORRECTIONS - 64)
            put_run(sink, table, band);
    }
}

static const char *write_band(Sink *sink, Band *band)
{
    int32_t before[SLOTS] = {0};
    unsigned table = 0;
    for (int64_t n = 0; n < band->count; n++) {
        const uint8_t *block = band->pattern + 3 * (n % band->blocks);
        if (band->order[n] < 0 || band->order[n] >= band->total)
            return SHAPE;
        const int16_t *coefs = band->coefs + band->order[n] * 64;
        if (!reserve(sink, BLOCK_ROOM + CORRECTIONS / 8))
            return MEMORY;
        int32_t dc = coefs[0] >> band->low;
        if (band->first) {
            write_band_block(sink, table = block[2], band, coefs);
        } else if (band->high) {
            put(sink, (uint32_t)dc & 1, 1);
        } else {
            write_dc(sink, block[1], dc - before[block[0]]);
            before[block[0]] = dc;
        }
    }
    if (!reserve(sink, CORRECTIONS / 8 + 32))
        return MEMORY;
    put_run(sink, table, band);
    return NULL;
}

static int banded(Band *band, const Py_buffer *pattern, const Py_buffer *order, const Py_buffer *coefs, const int64_t *limits)
{
    *band = (Band){.pattern = pattern->buf, .blocks = (int)(pattern->len / 3)};
    band->order = order->buf, band->count = items(order, 8);
    band->coefs = coefs->buf, band->total = items(coefs, 128);
    if (limits[0] > limits[1] || limits[1] > 63 || (!limits[0] && limits[1]) || limits[2] > 13 || limits[3] > 13)
        return 0;
    band->first = (unsigned)limits[0], band->last = (unsigned)limits[1];
    band->high = (unsigned)limits[2], band->low = (unsigned)limits[3];
    return 1;
}

static PyObject *read_blocks(PyObject *self, PyObject *args)
{
    Views views;
    int64_t limits[4];
    Band band;
    (void)self;
    if (!take(&views, args, (const int[]){1, 4, 1, 8, -2}, 5, 4) || !numbers(&views, args, limits, 4))
        return NULL;
    Py_buffer *v = views.views;
    Source in = {v[0].buf, (uint64_t)v[0].len, 0};
    const char *why = SHAPE;
    if (fits(&v[2], items(&v[1], 4 * TABLE)) && banded(&band, &v[2], &v[3], &v[4], limits)) {
        Py_BEGIN_ALLOW_THREADS
        why = read_band(&in, v[1].buf, &band);
        Py_END_ALLOW_THREADS
    }
    release(&views);
    return why ? failed(why) : PyLong_FromUnsignedLongLong(in.at);
}

static PyObject *write_blocks(PyObject *self, PyObject *args)
{
    Views views;
    int64_t limits[4];
    Band band;
    (void)self;
    if (!take(&views, args, (const int[]){4, 1, 8, 2, -8}, 5, 4) || !numbers(&views, args, limits, 4))
        return NULL;
    Py_buffer *v = views.views;
    Sink sink = {.codes = v[0].buf, .tally = v[4].buf};
    const char *why = SHAPE;
    if (fits(&v[1], items(&v[0], 1024)) && items(&v[4], 8) >= items(&v[0], 4) && banded(&band, &v[1], &v[2], &v[3], limits)) {
        Py_BEGIN_ALLOW_THREADS
        why = write_band(&sink, &band);
        Py_END_ALLOW_THREADS
    }
    release(&views);
    return finished(&sink, why);
}

/* --- the module -------------------------------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"next_marker", next_marker, METH_VARARGS, NULL},   {"plain", plain, METH_VARARGS, NULL},
    {"read_mcus", read_mcus, METH_VARARGS, NULL},       {"write_mcus", write_mcus, METH_VARARGS, NULL},
    {"read_blocks", read_blocks, METH_VARARGS, NULL},   {"write_blocks", write_blocks, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_entropy", NULL, 0, functions, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__entropy(void);

PyMODINIT_FUNC PyInit__entropy(void)
{
    return PyModuleDef_Init(&module);
}
