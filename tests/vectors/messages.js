// docs/protocol.md, sections 12, 13 and 15: proofs, bodies, frontiers.
import { batch } from './batches.js';
import { decode, is, u32 } from './msgpack.js';
import { cat, eq, H, Layout, need, u, verify } from './primitives.js';

export const blind = (hash, space, namer) =>
    H('covey/1 blind', hash, space, u(1, namer)).subarray(0, 16);

/** Section 12: whose proof it is. */
export function proof(bytes, hash, noise, space, namer) {
    const at = new Layout(bytes);
    const b = at.take(16);
    const author = at.take(32);
    verify(author, at.take(64), 'covey/1 proof', hash, noise, b);
    at.end();
    need(eq(b, blind(hash, space, namer)), 'blind');
    return author;
}

export function carry(bytes, hash) {
    const at = new Layout(bytes);
    const space = at.take(16);
    const author = at.take(32);
    verify(author, at.take(64), 'covey/1 carry', hash, space);
    at.end();
    return { space, author };
}

const shortText = (most) => (v) => {
    is.text(most)(v);
    need(!/[\u0000-\u001f\u007f-\u009f]/.test(v), 'control character');
};

const b16 = is.bin(16);
const request16 = is.tuple(b16, (v) => need(is.bin()(v).length <= 4096, 'request'));
/** A newer version may say more. */
function hello(v) {
    is.tuple(u32, u32, shortText(32), is.uint())(v.slice(0, 4));
    need(v[0] <= v[1], 'versions');
}

/** Section 13: number, greatest length and form of each body. */
export const KINDS = {
    HELLO: [1, 1024, hello],
    PROVE: [2, 1024, is.list(is.bin(112), 0, 7)],
    OFFER: [3, 1024, is.tuple(b16, is.uint(), is.bin(32), is.bin(32), is.bool)],
    EPOCHS: [4, 1310720, is.tuple(b16, is.list(is.bin()))],
    FRONTIER: [5, 196608],
    BATCH: [6, 1310720],
    ACK: [7, 64, is.tuple(b16, u32)],
    PING: [8, 64, is.tuple(is.uint())],
    PONG: [9, 64, is.tuple(is.uint())],
    REQUESTS: [10, 196608, is.tuple(b16, is.list(request16))],
    DOOR_LEAVE: [11, 8192, request16],
    DOOR_ANSWER: [12, 1024, is.tuple(u32)],
    CARRY_ANSWER: [13, 1024, is.tuple(u32)],
    CLOSE: [14, 1024, is.tuple(u32, shortText(159))],
};

export function body(name, bytes) {
    const [, most, form] = KINDS[name];
    need(bytes.length <= most, 'body too long');
    if (form) {
        const v = decode(bytes);
        form(v);
        return v;
    }
    return name === 'FRONTIER' ? frontier(bytes) : batch(bytes);
}

/** Section 15. */
export function frontier(bytes) {
    const at = new Layout(bytes);
    const f = { blind: at.take(16), last: at.num(1), entries: [] };
    while (!at.done) {
        const e = at.take(80);
        need(new Layout(e.subarray(40)).num(8) > 0n, 'number 0');
        f.entries.push(e);
    }
    need(f.last <= 1 && f.entries.length <= 2400, 'frontier');
    return f;
}

/** Section 15: the frontier that headers leave. */
export const frontierOf = (headers) =>
    headers
        .filter((h) => !headers.some((o) => eq(o.previous, h.hash)))
        .map((h) => cat(h.author, h.incarnation, u(8, h.number), h.hash))
        .sort(Buffer.compare);

export const frontierDigest = (entries) =>
    H('covey/1 frontier', ...[...entries].sort(Buffer.compare));
