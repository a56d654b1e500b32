// docs/protocol.md, sections 6 to 8 and 20: headers, payloads, row parts, and
// the state of a row.
import assert from 'node:assert/strict';
import { decode, encode } from './msgpack.js';
import { H, K, open, Reader, u32, u64, verify } from './primitives.js';

const NAME = 16; // first bytes of a header's hash

// ---- header and payload

export function readHeader(bytes) {
    const r = new Reader(bytes);

    r.tag('covey/1 header');

    const h = {
        bytes, space: r.take(16), author: r.take(32), incarnation: r.take(8),
        number: r.u64(), previous: r.take(32), epoch: r.take(32),
    };
    const count = r.u8();

    assert(count <= 64);
    h.cites = Array.from({ length: count }, () => r.take(32));
    h.clock = r.u64();
    h.length = r.u32();
    h.payloadHash = r.take(32);
    r.end();
    assert(h.number > 0n && h.clock > 0n && h.length <= 262144);
    assert(h.cites.every((c, i) =>
        i === 0 || Buffer.compare(h.cites[i - 1], c) < 0));
    h.hash = H('covey/1 header', bytes);
    return h;
}

export const headerHolds = (h, signature) =>
    verify(h.author, h.bytes, signature);

// The parts of a payload, its hash, and its length with nothing erased.
export function readPayload(bytes) {
    const r = new Reader(bytes);
    const nonce = r.take(24);
    const count = r.u16();
    const parts = [];
    let length = 26;

    assert(count >= 1 && count <= 1024);
    for (let i = 0; i < count; i++) {
        const word = r.u32();
        const size = word % 0x80000000;
        const erased = word !== size;
        const body = r.take(erased ? 32 : size);

        assert(size >= 33 && !(erased && i === 0));
        length += 4 + size;
        parts.push({ size, erased, body,
            hash: erased ? body : H('covey/1 part', body) });
    }
    r.end();
    assert(length <= 262144);
    return { nonce, parts, length, hash: H('covey/1 payload',
        bytes.subarray(0, 26),
        ...parts.flatMap((p) => [u32(p.size), p.hash])) };
}

// Kind, wall time and the plaintext of each row; null: erased.
export function openPayload(header, bytes, spaceKey) {
    const payload = readPayload(bytes);

    assert.equal(payload.length, header.length);
    assert.deepEqual(payload.hash, header.payloadHash);

    const key = K(spaceKey, 'covey/1 payload key', payload.nonce);
    const ad = header.bytes.subarray(0, header.bytes.length - 36);
    const [first, ...rows] = payload.parts.map((part, i) => part.erased ? null
        : open(key, Buffer.concat([Buffer.alloc(16), u64(i)]), ad, part.body)
            .subarray(16));
    const [kind, wall, padding, ...more] = decode(first);

    assert(more.length === 0 && padding.every((byte) => byte === 0));
    assert(kind !== 1n || rows.length === 0);
    return { kind, wall, rows };
}

// ---- row parts

export function readPart(bytes) {
    const [table, row, names, flat, ...more] = decode(bytes);
    const cells = [];

    assert(more.length === 0 && row.length === 20 && names.length % NAME === 0);
    assert(flat.length > 0 && flat.length % 3 === 0);
    for (let i = 0; i < flat.length; i += 3) {
        const [column, value, said] = flat.slice(i, i + 3);
        const indexes = Array.isArray(said) ? said : said === null ? []
            : [said];

        assert(column <= 63n && (i === 0 || column > flat[i - 3]));
        assert(column > 0n || typeof value === 'boolean');
        assert(!Buffer.isBuffer(value) && !Array.isArray(value));
        assert(!Array.isArray(said) || said.length > 1);
        assert(indexes.every((at, k) => at < BigInt(names.length / NAME) &&
            (k === 0 || at > indexes[k - 1])));
        cells.push({ column: Number(column), value,
            replaced: indexes.map((at) => nameAt(names, Number(at))) });
    }
    return { table: Number(table), row, names, cells };
}

const nameAt = (names, at) => names.toString('hex', NAME * at, NAME * (at + 1));

// ---- the state of a row

// Fixed columns of rules' version 1, by table.
const FIXED = { 1: [8], 2: [7], 3: [1, 3] };

const stampOf = (w) =>
    Buffer.concat([u64(w.clock), w.author, Buffer.from(w.name, 'hex')]);
const byStamp = (a, b) => Buffer.compare(stampOf(a), stampOf(b));

export class Row {
    constructor(table, id) {
        Object.assign(this, { table, id, writes: [], named: new Set() });
    }

    // stamp: clock, author, name (hex).
    apply(part, stamp) {
        const seen = part.names;

        for (const { column, value, replaced } of part.cells) {
            const fixed = FIXED[this.table].includes(column);
            const w = { ...stamp, column, value, fixed, seen };

            this.writes.push({ ...w, makes: column === 0 && value &&
                replaced.length === 0 });
            if (!fixed)
                replaced.forEach((name) => this.named.add(column + name));
        }
    }

    standing(column) {
        const all = this.writes.filter((w) => w.column === column)
            .sort(byStamp);

        if (all.length > 0 && all[0].fixed) return all.slice(0, 1);
        return all.filter((w) => !this.named.has(column + w.name));
    }

    get columns() {
        return [...new Set(this.writes.map((w) => w.column))].sort(
            (a, b) => a - b);
    }

    get made() { return this.writes.some((w) => w.makes); }

    get alive() {
        const deletes = this.standing(0).filter((w) => !w.value);
        const isSeen = (w) => deletes.some((d) => d.name === w.name ||
            d.seen.toString('hex').match(/.{32}/g)?.includes(w.name));
        const standing = this.columns.flatMap((c) => this.standing(c));

        return this.made && (deletes.length === 0 || standing.some((w) =>
            !w.fixed && (w.column > 0 || w.value) && !isSeen(w)));
    }

    get hash() {
        const bytes = [u32(this.table), this.id,
            Buffer.from([this.made ? 1 : 0])];
        let last = '';

        for (const w of this.columns.flatMap((c) => this.standing(c))) {
            const stamp = stampOf(w);
            const same = last === stamp.toString('hex');

            last = stamp.toString('hex');
            bytes.push(Buffer.from([w.column, same ? 0 : 1]));
            if (!same) bytes.push(stamp);
            bytes.push(this.alive || w.column === 0
                ? encode([w.value]).subarray(1) : Buffer.from([0xc1]));
            if (w.column === 0 && !w.value)
                bytes.push(u32(w.seen.length), w.seen);
        }
        return H('covey/1 row', ...bytes).subarray(0, 16);
    }

    // What is shown, by column, and what stands beside it.
    get shown() {
        return Object.fromEntries(this.columns.filter((c) => c > 0).map((c) => {
            const [top, ...others] = this.standing(c).reverse();

            return [c, [top, ...others].map((w) => w?.value)];
        }));
    }
}
