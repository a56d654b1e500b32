// Reads the vectors of what must be refused, and of what must be taken all the same.
import { check, notices } from './checks.js';
import * as c from './formats.js';
import { cat, need, raw } from './primitives.js';

/** Frames one after the other, each with its length. */
function framesOf(bytes) {
    const at = new c.Layout(bytes);
    const list = [];
    while (!at.done) {
        const head = at.take(2);
        list.push(cat(head, at.take(head.readUInt16BE(0))));
    }
    return list;
}

const kinds = Object.fromEntries(
    Object.values(c.KINDS).map(([kind, most]) => [kind, most]),
);

/** What each format's reader is; it throws where it refuses. */
const formats = (all) => ({
    msgpack: c.decode,
    leb128: (b) => {
        const at = new c.Layout(b);
        at.leb();
        at.end();
    },
    header: c.header,
    payload: c.payload,
    'sealed payload': (b) =>
        c.openPayload(
            b,
            raw(all.payload.space_key),
            c.header(raw(all.payload.header)).ad,
        ),
    rowpart: c.rowPart,
    address: (b) => c.address(b.toString('latin1')),
    ticket: (b) => c.ticket(b.toString('latin1')),
    signature: (b) => c.verify(b.subarray(0, 32), b.subarray(32, 96), b.subarray(96)),
    x25519: (b) => c.dh(cat('B'.repeat(32)), b),
    frames: (b) => {
        const m = c.message(new c.Cipher(cat('B'.repeat(32))), framesOf(b));
        need(
            kinds[m.kind] !== undefined && m.body.length <= kinds[m.kind],
            'the kind or its length',
        );
    },
    epoch: (b) => c.fold(chainOf(all), c.epoch(b)),
    ...Object.fromEntries(
        Object.keys(c.KINDS).map((name) => [name, (b) => c.body(name, b)]),
    ),
});
let chain;
/** The state that the chain of epochs.json leaves, as a carrier knows it. */
function chainOf(all) {
    chain ??= all.epochs.epochs.reduce(
        (state, x) => c.fold(state, c.epoch(raw(x.bytes))),
        { space: raw(all.epochs.space), authors: [] },
    );
    return chain;
}

function allRefused(list, all) {
    const read = formats(all);
    for (const x of list) {
        check(`${x.format}, ${x.what}: a reader`, () => need(read[x.format], 'none'));
        check(`${x.format}, ${x.what}: refused`, () =>
            notices(() => {
                read[x.format](raw(x.bytes));
            }),
        );
    }
}

function allTaken(list, all) {
    const read = formats(all);
    for (const x of list)
        check(`${x.format}, ${x.what}: taken`, () => {
            read[x.format](raw(x.bytes));
        });
}

export const readers = {
    refused(v, all) {
        allRefused(v, all);
        return `${v.length} inputs of ${new Set(v.map((x) => x.format)).size} formats refused`;
    },
    accepted(v, all) {
        allTaken(v, all);
        return `${v.length} inputs at the edge taken`;
    },
    forged(v, all) {
        allRefused(v.refused, all);
        allTaken(v.accepted, all);
        return `${v.refused.length} epochs refused, ${v.accepted.length} taken`;
    },
};
