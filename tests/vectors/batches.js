// docs/protocol.md, section 14: batches taken apart, put back, written.
import { header, headerBytes, payload } from './changesets.js';
import {
    by,
    cat,
    eq,
    hex,
    Layout,
    leb,
    maximum,
    must,
    need,
    u,
    verify,
    zeros,
} from './primitives.js';

/** The log that a record is of, with the last number said of it. */
function logOf(at, isNew, logs) {
    if (!isNew) return must(logs[at.leb()], 'no such log');
    const log = { author: at.take(32), incarnation: at.take(8) };
    need(
        !logs.some(
            (l) => eq(l.log.author, log.author) && eq(l.log.incarnation, log.incarnation),
        ),
        'a log named anew',
    );
    logs.push({ log });
    return logs.at(-1);
}

function numberOf(at, isNew, isSaid, of) {
    need(isSaid || !isNew, 'a new log without a number');
    const due = isNew ? undefined : of.last + 1n;
    const number = isSaid ? at.leb() : due;
    need(number > 0n && number < 1n << 64n && !(isSaid && number === due), 'number');
    of.last = number;
    return number;
}

function citesOf(at, count) {
    const cites = Array.from({ length: at.num(1) }, () => {
        const n = at.leb();
        need(n <= count, 'a cite before the batch');
        return n ? count - Number(n) : at.take(32);
    });
    need(cites.length <= 64, 'too many cites');
    need(
        new Set(cites.map((c) => (typeof c === 'number' ? c : hex(c)))).size ===
            cites.length,
        'a cite twice',
    );
    return cites;
}

function recordOf(at, logs, records) {
    const flags = at.num(1);
    const before = records.at(-1);
    need(flags < 16, 'flags');
    const of = logOf(at, flags & 1, logs);
    const r = { log: of.log };
    r.number = numberOf(at, flags & 1, flags & 2, of);
    if (flags & 4) r.previous = at.take(32);
    need(r.previous || r.number !== 1n, 'number 1 without its previous hash');
    need(flags & 8 || before, 'a first record without an epoch');
    r.epoch = flags & 8 ? at.take(32) : before.epoch;
    need(!(flags & 8 && before && eq(r.epoch, before.epoch)), 'an epoch said again');
    r.cites = citesOf(at, records.length);
    const length = at.leb();
    need(length <= 262144n, 'payload too long');
    r.payload = at.take(Number(length));
    r.signature = at.take(64);
    return r;
}

/** A batch as it stands; nothing is put back yet. */
export function batch(bytes) {
    const at = new Layout(bytes);
    const b = { blind: at.take(16), sequence: at.num(4), records: [] };
    const logs = [];
    while (!at.done) b.records.push(recordOf(at, logs, b.records));
    need(b.records.length <= 1000, 'too many records');
    return b;
}

/** Section 14: makes the headers whole. `held`: headers that the receiver has. Every signature is verified. */
export function putBack(b, space, held) {
    const all = [...held];
    const out = [];
    for (const r of b.records) {
        const log = (h) =>
            eq(h.author, r.log.author) && eq(h.incarnation, r.log.incarnation);
        const p = payload(r.payload);
        need(
            p.parts.every((x) => !x.erased),
            'an erased part',
        );
        const newest = out.findLast(log);
        const previous =
            r.previous ??
            (newest?.number === r.number - 1n
                ? newest
                : must(
                      held.find((h) => log(h) && h.number === r.number - 1n),
                      'what it follows is not here',
                  )
            ).hash;
        const cites = r.cites.map((c) => (typeof c === 'number' ? out[c].hash : c));
        const before = [...cites, ...(eq(previous, zeros(32)) ? [] : [previous])].map(
            (x) => must(by(all, 'hash', x), 'cites what is not here'),
        );
        const h = header(
            headerBytes({
                space,
                ...r.log,
                number: r.number,
                previous,
                epoch: r.epoch,
                cites,
                clock:
                    maximum(
                        before.map((x) => x.clock),
                        0n,
                    ) + 1n,
                length: p.length,
                payload: p.hash,
            }),
        );
        verify(h.author, r.signature, h.bytes);
        const follows = by(all, 'hash', previous);
        need(
            follows
                ? eq(follows.author, h.author) &&
                      (r.number === 1n
                          ? !log(follows)
                          : log(follows) && follows.number === r.number - 1n)
                : r.number === 1n,
            'previous',
        );
        out.push(h);
        all.push(h);
    }
    return out;
}

/** Section 14, the other way: what may be left out is left out. */
export function batchBytes(blindBytes, sequence, sets) {
    const logs = [];
    const records = [];
    const logOf = (h) => hex(h.author) + hex(h.incarnation);
    sets.forEach((set, i) => {
        const h = set.header;
        const index = logs.indexOf(logOf(h));
        const last = sets.slice(0, i).findLast((x) => logOf(x.header) === logOf(h));
        const forked = sets.some(
            (x) =>
                x !== set &&
                sets.some(
                    (y) =>
                        y !== x &&
                        logOf(x.header) === logOf(h) &&
                        logOf(y.header) === logOf(h) &&
                        x.header.number === y.header.number,
                ),
        );
        const number = !last || h.number !== last.header.number + 1n;
        const previous = h.number === 1n || forked;
        const newEpoch = !i || !eq(sets[i - 1].header.epoch, h.epoch);
        if (index < 0) logs.push(logOf(h));
        records.push(
            u(1, (index < 0) | (number << 1) | (previous << 2) | (newEpoch << 3)),
            index < 0 ? cat(h.author, h.incarnation) : leb(index),
            number ? leb(h.number) : '',
            previous ? h.previous : '',
            newEpoch ? h.epoch : '',
            u(1, h.cites.length),
            ...h.cites.map((c) => {
                const at = sets.slice(0, i).findIndex((x) => eq(x.header.hash, c));
                return at < 0 ? cat(leb(0), c) : leb(i - at);
            }),
            leb(set.payload.length),
            set.payload,
            set.signature,
        );
    });
    return cat(blindBytes, u(4, sequence), ...records);
}
