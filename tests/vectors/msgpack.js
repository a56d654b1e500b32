// msgpack as docs/protocol.md, section 3, has it: one array, one encoding.
// Integers are BigInts, binaries Buffers, text strings, floats Numbers.
import assert from 'node:assert/strict';
import { Reader } from './primitives.js';

const DEPTH_MAX = 8;
const ITEMS_MAX = 4096;
const TEXT_MAX = 196608;

// The head of a number, length or count of `value` in the shortest of the
// forms given, each: its first byte and how many bytes follow.
function head(forms, value) {
    const [first, width] = forms.find(([, bytes]) =>
        value < 1n << BigInt(8 * bytes));
    const hex = value.toString(16).padStart(2 * width, '0');

    return Buffer.from(first.toString(16) + hex, 'hex');
}

function encodeInteger(v) {
    if (v >= 0n && v < 0x80n) return Buffer.from([Number(v)]);
    if (v >= 0n)
        return head([[0xcc, 1], [0xcd, 2], [0xce, 4], [0xcf, 8]], v);
    if (v >= -32n) return Buffer.from([Number(v + 256n)]);

    const width = [1, 2, 4, 8].find((n) => v >= -(1n << BigInt(8 * n - 1)));
    const wrapped = v + (1n << BigInt(8 * width));

    return head([[0xd0 + Math.log2(width), width]], wrapped);
}

function encodeText(v) {
    const bytes = Buffer.from(v);
    const length = BigInt(bytes.length);

    return Buffer.concat([length < 32n
        ? Buffer.from([0xa0 | bytes.length])
        : head([[0xd9, 1], [0xda, 2], [0xdb, 4]], length), bytes]);
}

export function encode(v) {
    if (v === null) return Buffer.from([0xc0]);
    if (typeof v === 'boolean') return Buffer.from([v ? 0xc3 : 0xc2]);
    if (typeof v === 'bigint') return encodeInteger(v);
    if (typeof v === 'string') return encodeText(v);
    if (Buffer.isBuffer(v))
        return Buffer.concat([head([[0xc4, 1], [0xc5, 2], [0xc6, 4]],
            BigInt(v.length)), v]);
    if (Array.isArray(v))
        return Buffer.concat([v.length < 16
            ? Buffer.from([0x90 | v.length])
            : head([[0xdc, 2], [0xdd, 4]], BigInt(v.length)),
        ...v.map(encode)]);

    const out = Buffer.alloc(9, 0xcb);

    out.writeDoubleBE(v, 1);
    return out;
}

const SIMPLE = { 0xc0: null, 0xc2: false, 0xc3: true };
const FIXED = {
    0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
};
const SIZED = {
    0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4,
};

function integer(r, first) {
    const width = FIXED[first];
    const value = BigInt(`0x${r.hex(width)}`);

    return first >= 0xd0 ? BigInt.asIntN(8 * width, value) : value;
}

function real(v) {
    assert(!Number.isNaN(v) && !Object.is(v, -0));
    return v;
}

function body(r, first, length) {
    assert(length <= TEXT_MAX);

    const bytes = r.take(length);

    if (first >= 0xc4 && first <= 0xc6) return bytes;
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
        .decode(bytes);
}

function value(r, state, depth) {
    const first = r.u8();

    assert(++state.items <= ITEMS_MAX, 'too many values');
    if (first < 0x80) return BigInt(first);
    if (first >= 0xe0) return BigInt(first) - 256n;
    if (first in SIMPLE) return SIMPLE[first];
    if (first in FIXED) return integer(r, first);
    if (first === 0xcb) return real(r.take(8).readDoubleBE());
    if (first >= 0xa0 && first < 0xc0) return body(r, first, first & 0x1f);

    const isArray = first < 0xa0 || first === 0xdc || first === 0xdd;

    assert(first < 0xa0 ? first >= 0x90 : first in SIZED, 'no form of ours');

    const count = first < 0xa0 ? first & 0x0f
        : Number(BigInt(`0x${r.hex(SIZED[first])}`));

    if (!isArray) return body(r, first, count);
    assert(depth < DEPTH_MAX && count <= r.left, 'too deep or too long');
    return Array.from({ length: count }, () => value(r, state, depth + 1));
}

// Exactly one array; that it was in the one encoding is shown by encoding it
// again.
export function decode(bytes) {
    const r = new Reader(bytes);
    const out = value(r, { items: 0 }, 0);

    assert(Array.isArray(out));
    r.end();
    assert.deepEqual(encode(out), bytes, 'not the shortest form');
    return out;
}
