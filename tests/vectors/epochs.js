// docs/protocol.md, section 9: epochs taken apart, their keys.
import { maybeAddress, NAME } from './joining.js';
import { decode, is, u32 } from './msgpack.js';
import {
    cat,
    dhKeyOf,
    eq,
    H,
    K,
    Layout,
    need,
    open,
    openBox,
    u,
    verify,
} from './primitives.js';

const slot = is.uint(4096);
const cuts = is.list(is.tuple(is.bin(8), is.uint(undefined, 1), is.bin(32)), 0, 64);
/** Section 9.2: the form of each change. */
const CLEAR = {
    0: [is.bin(16)],
    1: [is.bin(32), slot, (v) => need([0, 2, 3].includes(v), 'rights')],
    2: [is.bin(32), cuts],
    3: [is.bin(32)],
    4: [is.bin(32)],
    5: [is.bin(16), is.bin(32), is.uint()],
    6: [is.bin(16), is.uint(3, 1)],
    7: [is.bin(32), is.list(is.uint(1024, 1), 1)],
};

export const SEALED = {
    32: [NAME, is.uint(3), is.uint(2)],
    33: [slot, is.uint(5), is.uint(3), u32, NAME, is.bin()],
    34: [slot, is.bin(), is.bin(), maybeAddress, is.bool],
    35: [slot, is.uint(5)],
    36: [slot],
    37: [is.bin(32), NAME, maybeAddress],
    38: [is.bin(16), is.uint(6)],
};

export const changes = (forms) =>
    is.list(
        (c) => {
            need(Array.isArray(c) && forms[c[0]], 'an unknown change');
            is.tuple(is.uint(), ...forms[c[0]])(c);
        },
        0,
        512,
    );

/** Section 9: takes an epoch apart. Nothing is verified yet. */
export function epoch(bytes) {
    need(bytes.length <= 196608, 'epoch too long');
    const [clear, sealed, boxes, history, signatures] = is.tuple(
        ...Array(5).fill(is.bin()),
    )(decode(bytes));
    const c = is.tuple(
        is.uint(2, 1),
        is.bin(16),
        is.uint(),
        is.bin(32),
        is.bin(32),
        u32,
        is.bin(32),
        u32,
        changes(CLEAR),
    )(decode(clear));
    const e = {
        clear,
        sealed,
        history,
        number: c[2],
        space: c[1],
        parent: c[3],
        result: c[4],
        keyNumber: c[5],
        commitment: c[6],
        rules: c[7],
        changes: c[8],
    };
    e.boxes = is.list(is.tuple(is.bin(8), is.bin(116)))(decode(boxes));
    e.hash = H(
        'covey/1 epoch',
        ...[clear, sealed, boxes, history].map((x) => H('covey/1 epoch part', x)),
    );
    need(sealed.length >= 40 && [0, 108].includes(history.length), 'lengths');
    need(signatures.length && signatures.length % 96 === 0, 'signatures');
    e.signers = Array.from({ length: signatures.length / 96 }, (_, i) =>
        signatures.subarray(96 * i, 96 * i + 32),
    );
    e.signers.forEach((key, i) =>
        verify(
            key,
            signatures.subarray(96 * i + 32, 96 * i + 96),
            'covey/1 epoch sig',
            e.hash,
        ),
    );
    return e;
}

/** Section 9: the box for a reading key: { keyNumber, key, history }, or nothing. */
export function openEpochBox(e, secret) {
    const ad = cat(e.space, u(8, e.number));
    const hint = H('covey/1 hint', dhKeyOf(secret), ad).subarray(0, 8);
    for (const [h, box] of e.boxes) {
        if (!eq(h, hint)) continue;
        const at = new Layout(openBox(secret, ad, box));
        const b = { keyNumber: at.num(4), key: at.take(32), history: at.take(32) };
        need(b.keyNumber === e.keyNumber, 'key number');
        return b;
    }
    return undefined;
}

export const commitment = (e, key) => H('covey-epoch-key', e.space, u(8, e.number), key);
/** Section 9: the history, opened: the key and the history key before. */
export function openHistory(e, historyKey) {
    const at = new Layout(
        open(
            K(historyKey, 'covey/1 history'),
            e.history.subarray(0, 24),
            e.clear,
            e.history.subarray(24),
        ),
    );
    const was = { history: at.take(32), keyNumber: at.num(4), key: at.take(32) };
    at.end();
    return was;
}
