// docs/protocol.md, sections 6 to 8: headers, payloads, padding, row parts.
import { decode, encode, is, u32 } from './msgpack.js';
import {
    ascending,
    cat,
    eq,
    H,
    K,
    Layout,
    need,
    open,
    seal,
    u,
    zeros,
} from './primitives.js';

/** Section 6. */
export function header(bytes) {
    const at = new Layout(bytes);
    const h = { bytes };
    at.tag('covey/1 header');
    h.space = at.take(16);
    h.author = at.take(32);
    h.incarnation = at.take(8);
    h.number = at.num(8);
    h.previous = at.take(32);
    h.epoch = at.take(32);
    const cites = at.num(1);
    need(cites <= 64, 'too many cites');
    h.cites = Array.from({ length: cites }, () => at.take(32));
    h.clock = at.num(8);
    h.ad = bytes.subarray(0, at.at);
    h.length = at.num(4);
    h.payload = at.take(32);
    at.end();
    need(
        ascending(h.cites) && h.number > 0n && h.clock > 0n && h.length <= 262144,
        'a header of another form',
    );
    h.hash = H('covey/1 header', bytes);
    return h;
}

/** Section 6, the other way. */
export const headerBytes = (h) =>
    cat(
        'covey/1 header',
        zeros(2),
        h.space,
        h.author,
        h.incarnation,
        u(8, h.number),
        h.previous,
        h.epoch,
        u(1, h.cites.length),
        ...h.cites,
        u(8, h.clock),
        u(4, h.length),
        h.payload,
    );

/** Section 7: framing, hash and length of a payload, with or without erased parts. */
export function payload(bytes) {
    const at = new Layout(bytes);
    const p = { nonce: at.take(24), parts: [] };
    const count = at.num(2);
    need(count >= 1 && count <= 1024, 'parts');
    for (let i = 0; i < count; i++) {
        const head = at.num(4);
        const length = head % 2 ** 31;
        const erased = head >= 2 ** 31;
        need(length >= 33 && !(erased && i === 0), 'a part too short, or part 0 erased');
        const inside = at.take(erased ? 32 : length);
        p.parts.push({
            length,
            erased,
            bytes: inside,
            hash: erased ? inside : H('covey/1 part', inside),
        });
    }
    at.end();
    p.length = p.parts.reduce((sum, x) => sum + 4 + x.length, 26);
    need(p.length <= 262144, 'payload too long');
    p.hash = H(
        'covey/1 payload',
        p.nonce,
        u(2, count),
        ...p.parts.flatMap((x) => [u(4, x.length), x.hash]),
    );
    return p;
}

/** Of a newer kind nothing but the kind is looked at. */
function partZero(values) {
    const kind = is.uint()(values[0]);
    if (kind > 1) return { kind };
    const [, wall, padding] = is.tuple(is.uint(), is.uint(), is.bin())(values);
    need(
        padding.every((b) => b === 0),
        'padding is not zeros',
    );
    return { kind, wall, padding };
}

/** Section 7: opens a payload; parts come as { salt, plain }, erased ones as null. */
export function openPayload(bytes, spaceKey, ad) {
    const p = payload(bytes);
    const key = K(spaceKey, 'covey/1 payload key', p.nonce);
    p.open = p.parts.map((part, i) => {
        if (part.erased) return null;
        const nonce = cat(zeros(16), u(8, i));
        const inside = open(key, nonce, ad, part.bytes);
        need(eq(seal(key, nonce, ad, inside), part.bytes), 'sealed again');
        return { salt: inside.subarray(0, 16), plain: inside.subarray(16) };
    });
    Object.assign(p, partZero(decode(p.open[0].plain)));
    need(p.kind !== 1 || p.parts.length === 1, 'an empty one with rows');
    p.rows = p.kind === 0 ? p.open.slice(1).map((x) => x && rowPart(x.plain)) : [];
    return p;
}

/** Section 7.1: Padmé's bucket, and the binary that fills one. */
export function bucket(length) {
    if (length < 2) return length;
    const e = Math.floor(Math.log2(length));
    const step = 2 ** (e - Math.floor(Math.log2(e)) - 1);
    return Math.ceil(length / step) * step;
}

export function padding(length) {
    for (let full = bucket(length + 2); ; full = bucket(full + 1)) {
        const room = full - length;
        if (room < 258) return { padding: room - 2, filled: full };
        if (room > 258) return { padding: room - 3, filled: full };
    }
}

/** Section 8. */
export function rowPart(bytes) {
    const [table, row, names, flat] = is.tuple(
        u32,
        is.bin(20),
        is.bin(),
        is.list(() => {}, 3),
    )(decode(bytes));
    need(names.length % 16 === 0 && flat.length % 3 === 0, 'names or cells');
    const name = Array.from({ length: names.length / 16 }, (_, i) =>
        names.subarray(16 * i, 16 * i + 16),
    );
    const cells = Array.from({ length: flat.length / 3 }, (_, i) => {
        const [column, value, replaced] = flat.slice(3 * i, 3 * i + 3);
        is.uint(64)(column);
        need(!i || flat[3 * i - 3] < column, 'columns ascend');
        if (column === 0) is.bool(value);
        else
            need(
                !Array.isArray(value) && !Buffer.isBuffer(value),
                'a value of another kind',
            );
        if (typeof value === 'number' || typeof value === 'bigint') is.int(value);
        const indexes =
            replaced === null ? [] : Array.isArray(replaced) ? replaced : [replaced];
        is.list(is.uint(name.length))(indexes);
        need(
            !Array.isArray(replaced) ||
                (replaced.length > 1 &&
                    replaced.every((x, j) => !j || replaced[j - 1] < x)),
            'indexes ascend',
        );
        return { column, value, indexes, replaced: indexes.map((x) => name[x]) };
    });
    return { table, row, names, cells };
}

/** Section 8, the other way. */
export const rowPartBytes = (p) =>
    encode([
        p.table,
        p.row,
        p.names,
        p.cells.flatMap((c) => [
            c.column,
            c.value,
            c.indexes.length > 1 ? c.indexes : (c.indexes[0] ?? null),
        ]),
    ]);
