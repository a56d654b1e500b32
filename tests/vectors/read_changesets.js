// Reads the vectors of change sets (sections 6 to 8, 14, 15, 20).
import { check, mutate, same, strict } from './checks.js';
import * as c from './formats.js';
import { cat, eq, hex, need, raw, u } from './primitives.js';

/** Section 7.1: what a writer makes fills a bucket, by the padding that the page says. */
function fills(what, p) {
    check(`${what}: padding`, () => {
        const without = p.length - c.encode(p.padding).length;
        return (
            p.length === c.bucket(p.length) &&
            c.padding(without).padding === p.padding.length
        );
    });
}

export const readers = {
    header(v) {
        // section 6
        for (const [name, x] of Object.entries(v)) {
            const h = c.header(raw(x.header));
            same(`${name}: hash`, h.hash, x.hash);
            same(`${name}: written again`, c.headerBytes(h), x.header);
            same(`${name}: author`, c.signKeyOf(raw(x.author_secret)), hex(h.author));
            same(
                `${name}: signature`,
                c.sign(raw(x.author_secret), h.bytes),
                x.signature,
            );
            same(`${name}: size`, h.bytes.length, 189 + 32 * h.cites.length);
            same(`${name}: associated data`, h.ad.length, h.bytes.length - 36);
            mutate(name, raw(x.header), (b) =>
                c.verify(h.author, raw(x.signature), c.header(b).bytes),
            );
            mutate(`${name}: signature`, raw(x.signature), (b) =>
                c.verify(h.author, b, h.bytes),
            );
        }
        return 'layout, hash and signature of headers with and without cites';
    },
    payload(v) {
        // sections 7 and 7.1
        const h = c.header(raw(v.header));
        const whole = raw(v.payload);
        const erased = raw(v.erased);
        const framed = (b) => {
            const p = c.payload(b);
            return eq(p.hash, h.payload) && p.length === h.length;
        };
        const p = c.openPayload(whole, raw(v.space_key), h.ad);
        const q = c.openPayload(erased, raw(v.space_key), h.ad);
        same('kind', p.kind, 0);
        same('wall', p.wall, v.wall_ms);
        same('parts', p.open.slice(1).length, v.parts.length);
        v.parts.forEach((part, i) => {
            same(`part ${i + 1}`, p.open[i + 1].plain, part);
            same(`part ${i + 1} written again`, c.rowPartBytes(p.rows[i]), part);
        });
        fills('padding', p);
        check('erased part', () =>
            q.open.every((x, i) => (x === null) === (i === v.erased_part)),
        );
        check('the other parts', () =>
            q.parts.every((x, i) => x.erased || eq(x.bytes, p.parts[i].bytes)),
        );
        mutate('payload', whole, framed);
        mutate('erased', erased, framed);
        p.parts.forEach((part, i) => {
            // the sealing alone, without the hash
            const at = whole.indexOf(part.bytes);
            mutate(
                `part ${i} opened`,
                whole,
                (b) => !!c.openPayload(b, raw(v.space_key), h.ad),
                { free: (j) => j >= 24 && (j < at || j >= at + part.length) },
            );
        });
        mutate(
            'associated data',
            h.ad,
            (ad) => !!c.openPayload(whole, raw(v.space_key), ad),
        );
        return 'framing, length, hash; parts opened, sealed again, read; the same with one erased';
    },
    padding(v) {
        // section 7.1
        v.forEach((x) => {
            same(`bucket of ${x.length}`, c.bucket(x.length), x.bucket);
            same(`padding of ${x.length}`, c.padding(x.length).padding, x.padding);
            same(`bucket that it fills`, c.padding(x.length).filled, x.filled);
        });
        return 'buckets and padding (nothing here protects a byte)';
    },
    rowpart(v) {
        // section 8
        for (const [name, x] of Object.entries(v)) {
            const p = c.rowPart(raw(x.bytes));
            same(`${name}: table`, p.table, x.table);
            same(`${name}: row`, p.row, x.row);
            same(`${name}: cells`, p.cells.length, x.cells.length);
            x.cells.forEach((cell, i) => {
                const got = p.cells[i];
                same(`${name}: column`, got.column, cell.column);
                same(
                    `${name}: value`,
                    got.value instanceof c.Float ? got.value.value : got.value,
                    cell.value,
                );
                same(
                    `${name}: how many replaced`,
                    got.replaced.length,
                    cell.replaced.length,
                );
                cell.replaced.forEach((r, j) =>
                    same(`${name}: replaced`, got.replaced[j], r),
                );
            });
            same(`${name}: written again`, c.rowPartBytes(p), x.bytes);
            strict(name, raw(x.bytes), c.rowPart);
        }
        return 'read, written again; shortened, longer forms refused';
    },
    rows(v) {
        // section 20
        for (const [name, x] of Object.entries(v)) {
            const parts = x.steps.map((s) => {
                check(`${name}: text`, typeof s.text === 'string');
                return {
                    clock: s.clock,
                    author: raw(s.author),
                    name: raw(s.name),
                    part: c.rowPart(raw(s.part)),
                };
            });
            x.steps.forEach((s, i) => {
                const now = c.row(parts.slice(0, i + 1));
                same(`${name}, ${s.text}: hash`, now.hash, s.hash);
                same(`${name}, ${s.text}: alive`, now.alive ? 1 : 0, s.alive);
                same(
                    `${name}, ${s.text}: in another order`,
                    c.row(parts.slice(0, i + 1).reverse()).hash,
                    s.hash,
                );
                same(`${name}: table`, parts[i].part.table, x.table);
                same(`${name}: row`, parts[i].part.row, x.row);
                // A flip changes the last hash where all cells of the part still stand. Names in a delete count in the hash;
                // names elsewhere are only what is replaced, and another part may replace the same.
                const last = c.row(parts);
                const { cells, names } = parts[i].part;
                const whole =
                    last.alive &&
                    cells.length ===
                        last.stands.filter((w) => eq(w.name, parts[i].name)).length;
                const isDelete = cells[0].column === 0 && !cells[0].value;
                mutate(
                    `${name}, ${s.text}: part`,
                    raw(s.part),
                    (bytes) => {
                        const part = c.rowPart(bytes);
                        return (
                            part.table === x.table &&
                            hex(part.row) === x.row &&
                            hex(
                                c.row(parts.map((p, k) => (k === i ? { ...p, part } : p)))
                                    .hash,
                            ) === x.steps.at(-1).hash
                        );
                    },
                    {
                        free: (j) =>
                            j > 25 && (j < 26 + names.length ? !isDelete : !whole),
                    },
                );
            });
        }
        return 'state and hash after each step, in both orders';
    },
    batch(v, all) {
        // section 14, with 6, 7, 8
        const space = raw(v.space);
        const keys = new Map(v.epochs.map((e) => [e.hash, raw(e.key)]));
        const set = (x) => ({
            header: c.header(raw(x.header)),
            payload: raw(x.payload),
            signature: raw(x.signature),
            hash: x.hash,
        });
        const held = v.held.map(set);
        const full = v.full.map(set);
        const clocks = new Map();
        for (const s of [...held, ...full]) {
            const h = s.header;
            const p = c.openPayload(s.payload, keys.get(hex(h.epoch)), h.ad);
            const name = s.hash.slice(0, 8);
            same(`${name}: hash`, h.hash, s.hash);
            same(`${name}: space`, h.space, v.space);
            check(`${name}: signature`, () => c.verify(h.author, s.signature, h.bytes));
            check(`${name}: payload`, eq(p.hash, h.payload) && p.length === h.length);
            fills(name, p);
            p.rows.forEach((r, i) =>
                same(`${name}: row`, c.rowPartBytes(r), hex(p.open[i + 1].plain)),
            );
            const before = [
                ...h.cites,
                ...(eq(h.previous, c.zeros(32)) ? [] : [h.previous]),
            ].map((x) => clocks.get(hex(x)));
            same(
                `${name}: clock`,
                h.clock,
                before.reduce((a, b) => (b > a ? b : a), 0n) + 1n,
            );
            clocks.set(s.hash, h.clock);
        }
        const b = c.batch(raw(v.body));
        const read = (bytes) =>
            c.putBack(
                c.batch(bytes),
                space,
                held.map((s) => s.header),
            );
        same('blind', b.blind, v.blind);
        same('sequence', b.sequence, v.sequence);
        same('how many', b.records.length, full.length);
        read(raw(v.body)).forEach((h, i) => {
            same(`header ${i} put back`, h.bytes, hex(full[i].header.bytes));
            same(`payload ${i}`, b.records[i].payload, hex(full[i].payload));
            same(`signature ${i}`, b.records[i].signature, hex(full[i].signature));
        });
        same('written again', c.batchBytes(raw(v.blind), v.sequence, full), v.body);
        const entries = c.frontierOf([...held, ...full].map((s) => s.header));
        same(
            'the frontier they leave',
            cat(...entries),
            hex(cat(...c.frontier(raw(all.frontier.body)).entries)),
        );
        mutate(
            'body',
            raw(v.body),
            (x) => {
                read(x);
            },
            { step: 2, free: (i) => i < 20 },
        );
        return `${full.length} headers put back and verified, payloads opened, the body written again, the frontier`;
    },
    digest(v, all) {
        // section 20
        const names = Object.keys(all.rows);
        const hashes = names.map((name) => raw(v.rows[name]));
        names.forEach((name) =>
            same(`${name}: hash`, v.rows[name], all.rows[name].steps.at(-1).hash),
        );
        same('sum', c.digest(hashes), v.digest);
        same('in another order', c.digest([...hashes].reverse()), v.digest);
        same('of nothing', hex(c.digest([])), '00'.repeat(16));
        return `the sum of ${names.length} rows`;
    },
    frontier(v) {
        // section 15
        const f = c.frontier(raw(v.body));
        same('blind', f.blind, v.blind);
        same('last', f.last, 1);
        same('digest', c.frontierDigest(f.entries), v.digest);
        same('digest of none', c.frontierDigest([]), v.digest_of_none);
        same('in another order', c.frontierDigest([...f.entries].reverse()), v.digest);
        mutate(
            'body',
            raw(v.body),
            (b) => hex(c.frontierDigest(c.frontier(b).entries)) === v.digest,
            { free: (i) => i < 17 },
        );
        return `${f.entries.length} entries, digests`;
    },
};
