// docs/protocol.md, section 9: epochs opened, verified, folded, and the hash of
// the membership that results.
import assert from 'node:assert/strict';
import { authorCertificate, memberCertificate, papers } from
    './certificates.js';
import { decode, encode } from './msgpack.js';
import { ascii, dhKeyOf, H, K, open, openBox, Reader, u64, verify } from
    './primitives.js';

const ZEROS = Buffer.alloc(32);
const CHAIR = 1n;
const VOTES = 2n;

// ---- one epoch

export function readEpoch(bytes) {
    const [clear, sealed, boxes, history, signatures] = decode(bytes);
    const fields = decode(clear);
    const P = (part) => H('covey/1 epoch part', part);

    assert.equal(fields.length, 9);
    assert.equal(fields[0], 1n);
    return {
        clear, sealed, boxes: decode(boxes), history, signatures,
        space: fields[1], number: fields[2], parent: fields[3],
        result: fields[4], keyNumber: fields[5], commitment: fields[6],
        rules: fields[7], changes: fields[8],
        hash: H('covey/1 epoch', P(clear), P(sealed), P(boxes), P(history)),
    };
}

// Which authors signed it.
function signers(epoch) {
    const r = new Reader(epoch.signatures);
    const found = [];

    while (r.left > 0) {
        const key = r.take(32);

        assert(verify(key, Buffer.concat([ascii('covey/1 epoch sig'),
            epoch.hash]), r.take(64)), 'an epoch is not signed');
        found.push(key.toString('hex'));
    }
    return found;
}

function openUnder(secret, tag, clear, sealed) {
    return open(K(secret, tag), sealed.subarray(0, 24), clear,
        sealed.subarray(24));
}

// The keys that it seals to a reading key; undefined: none.
export function openKeys(epoch, readingSecret) {
    const place = Buffer.concat([epoch.space, u64(epoch.number)]);
    const hint = H('covey/1 hint', dhKeyOf(readingSecret), place);
    const mine = epoch.boxes.find(([h]) => h.equals(hint.subarray(0, 8)));

    if (mine === undefined) return undefined;

    const r = new Reader(openBox(readingSecret, place, mine[1]));

    assert.equal(BigInt(r.u32()), epoch.keyNumber);
    return { number: epoch.keyNumber, key: r.take(32), history: r.take(32) };
}

// What a new history key gives: the key before, and its history key.
export function openHistory(epoch, history) {
    const r = new Reader(openUnder(history, 'covey/1 history', epoch.clear,
        epoch.history));

    return { history: r.take(32), number: BigInt(r.u32()), key: r.take(32) };
}

// ---- the state

export const emptyState = (space) => ({
    space, number: 0n, head: ZEROS, keyNumber: 0n, rules: 0n, name: '',
    kind: 0n, admit: 0n, seats: [], nodes: [], authors: [], carriers: [],
    invites: [], used: 0, opened: 0, admitted: 0,
});

export function membershipHash(s) {
    return H('covey/1 membership', encode([
        s.space, s.number, s.keyNumber, s.rules, s.name, s.kind, s.admit,
        s.seats.map((t) => [t.slot, t.id, t.role, t.kind, t.urn, t.present,
            t.name, t.cert]),
        s.nodes.map((n) => [n.slot, [n.cert.member, n.cert.memberCert,
            n.cert.sign, n.cert.noise, n.cert.reading, n.cert.issued],
        n.author, n.present, n.address, n.fromNowOn]),
        s.authors.map((a) => [a.key, a.slot, a.rights, a.since, a.cut,
            a.cuts]),
        s.carriers.map((c) => [c.key, c.present, c.name, c.address]),
        s.invites.map((i) => [i.id, i.door, i.expires, i.role, i.state]),
    ]));
}

const byKey = (list, name, key) => list.find((it) => it[name].equals(key));
const nextSlot = (s) =>
    s.authors.reduce((next, a) => (a.slot >= next ? a.slot + 1n : next), 0n);
const rightsOf = (role) => [CHAIR + VOTES, VOTES][Number(role)] ?? 0n;

// ---- the changes

function author(s, key, slot, rights) {
    let a = byKey(s.authors, 'key', key);

    assert(rights !== CHAIR);
    if (a === undefined) {
        assert(slot <= nextSlot(s));
        if (slot === nextSlot(s)) s.opened++;
        a = { key, slot, since: s.number, cut: false, cuts: [] };
        s.authors.push(a);
    }
    assert.equal(a.slot, slot);
    if (a.cut) a.since = s.number;
    a.cut = false;
    a.rights = rights;
}

function seat(s, [slot, role, kind, urn, name, cert]) {
    let t = s.seats[Number(slot)];

    assert(slot <= BigInt(s.seats.length));
    if (t === undefined) {
        const { serial, hash } = memberCertificate(cert);

        assert.equal(serial, 0);
        assert(!s.seats.some((o) =>
            o.id.subarray(0, 6).equals(hash.subarray(0, 6))));
        t = { slot, id: hash, present: false };
        s.seats.push(t);
    } else if (!t.cert.equals(cert)) {
        const { revoked } = memberCertificate(cert, t.cert);

        assert(s.nodes.every((n) => n.slot !== slot ||
            !revoked.includes(n.cert.sign.toString('hex')) ||
            byKey(s.authors, 'key', n.author).cut));
    }
    if (!t.present) s.admitted++;
    Object.assign(t, { role, kind, urn, name, cert, present: true });
}

function node(s, [slot, nodeCert, authorCert, address, fromNowOn]) {
    const t = s.seats[Number(slot)];
    const { author: key } = authorCertificate(authorCert);
    const { node: cert } = papers(s.space, t.cert, nodeCert, authorCert, t.id);
    const listed = byKey(s.authors, 'key', key);
    let n = byKey(s.nodes, 'author', key);

    assert(t.present && !listed.cut && listed.slot === slot);
    assert.deepEqual(cert.member, t.id);
    assert(!s.nodes.some((o) => o !== n && ['sign', 'noise', 'reading']
        .some((name) => o.cert[name].equals(cert[name]))));
    if (n === undefined) s.nodes.push(n = { slot, author: key });
    else assert.deepEqual(n.cert.sign, cert.sign);
    Object.assign(n, { cert, address, fromNowOn });
}

function carrier(s, key, present) {
    let c = byKey(s.carriers, 'key', key);

    if (c === undefined) {
        c = { key, present: false, name: '', address: '' };
        s.carriers.push(c);
    }
    assert.notEqual(c.present, present);
    c.present = present;
}

function endInvite(s, id, state) {
    const i = byKey(s.invites, 'id', id);

    assert.equal(i.state, 0n);
    assert(state === 1n || state === 2n);
    i.state = state;
    if (state === 1n) s.used++;
}

function newInvite(s, id, door, expires) {
    assert.equal(byKey(s.invites, 'id', id), undefined);
    s.invites.push({ id, door, expires, role: 6n, state: 0n });
}

const changes = {
    0: () => {},
    1: (s, [key, slot, rights]) => author(s, key, slot, rights),
    2: (s, [key, cuts]) =>
        Object.assign(byKey(s.authors, 'key', key), { cut: true, cuts }),
    3: (s, [key]) => carrier(s, key, true),
    4: (s, [key]) => carrier(s, key, false),
    5: (s, [id, door, expires]) => newInvite(s, id, door, expires),
    6: (s, [id, state]) => endInvite(s, id, state),
    7: () => {},
    32: (s, [name, kind, admit]) => Object.assign(s, { name, kind, admit }),
    33: (s, values) => seat(s, values),
    34: (s, values) => node(s, values),
    35: (s, [slot, role]) => Object.assign(s.seats[Number(slot)], { role }),
    36: (s, [slot]) =>
        Object.assign(s.seats[Number(slot)], { present: false }),
    37: (s, [key, name, address]) =>
        Object.assign(byKey(s.carriers, 'key', key), { name, address }),
    38: (s, [id, role]) =>
        Object.assign(byKey(s.invites, 'id', id), { role }),
};

// ---- what must hold in the end

function settle(s, before) {
    const uncut = s.authors.filter((a) => !a.cut);
    const chairs = new Set(uncut.filter((a) => a.rights & CHAIR)
        .map((a) => a.slot));
    const isCut = (list, key) => byKey(list, 'key', key)?.cut === true;

    assert.equal(chairs.size, 1);
    assert(s.keyNumber !== before.keyNumber || s.authors.every((a) =>
        !a.cut || isCut(before.authors, a.key)), 'who is cut keeps the key');
    if (s.number > 0n) assert(s.opened <= s.used && s.admitted <= s.used);
    assert.equal(nextSlot(s), BigInt(s.seats.length));
    assert.equal(s.seats.filter((t) => t.present && t.role === 0n).length, 1);
    assert(s.invites.every((i) => i.state !== 0n || i.role !== 6n));
    for (const a of s.authors) {
        const n = byKey(s.nodes, 'author', a.key);
        const t = s.seats[Number(a.slot)];

        assert.equal(n.slot, a.slot);
        n.present = t.present && !a.cut;
        if (!a.cut) assert(t.present && a.rights === rightsOf(t.role));
    }
}

function checkSigned(s, epoch) {
    const keys = signers(epoch);

    if (s.head.equals(ZEROS)) {
        const [op, salt] = epoch.changes[0];
        const founder = Buffer.from(keys[0], 'hex');

        assert.equal(keys.length, 1);
        assert.equal(op, 0n);
        assert(epoch.changes.some((c) => c[0] === 1n && c[1].equals(founder) &&
            c[3] & CHAIR));
        assert.deepEqual(H('covey/1 space', salt, founder).subarray(0, 16),
            s.space);
        return;
    }

    const of = keys.map((key) =>
        byKey(s.authors, 'key', Buffer.from(key, 'hex')));
    const votes = (list) => new Set(list.filter((a) => !a.cut &&
        a.rights & VOTES).map((a) => a.slot)).size;

    assert(of.every((a) => a !== undefined && !a.cut && a.rights > 0n));
    assert(of.some((a) => a.rights & CHAIR) ||
        2 * votes(of) > votes(s.authors));
}

// The state after an epoch, for who has its key.
export function follow(before, epoch, keys) {
    const s = structuredClone(before);
    const isFirst = before.head.equals(ZEROS);

    revive(s);
    assert.deepEqual(epoch.space, s.space);
    assert.deepEqual(epoch.parent, s.head);
    assert.equal(epoch.number, isFirst ? 0n : s.number + 1n);
    checkSigned(s, epoch);
    assert(epoch.keyNumber === s.keyNumber ? epoch.history.length === 0
        : epoch.keyNumber === s.keyNumber + 1n && epoch.history.length === 108);
    assert(epoch.rules >= s.rules);
    assert.deepEqual(epoch.commitment,
        H('covey-epoch-key', s.space, u64(epoch.number), keys.key));

    const sealed = decode(openUnder(keys.key, 'covey/1 sealed part',
        epoch.clear, epoch.sealed));

    Object.assign(s, { number: epoch.number, used: 0, opened: 0, admitted: 0 });
    for (const [op, ...values] of [...epoch.changes, ...sealed])
        changes[op](s, values);
    Object.assign(s, { keyNumber: epoch.keyNumber, rules: epoch.rules });
    settle(s, before);
    assert.deepEqual(membershipHash(s), epoch.result, 'another membership');
    s.head = epoch.hash;
    return s;
}

// structuredClone() makes plain arrays of bytes of Buffers.
function revive(v) {
    for (const [key, inner] of Object.entries(v ?? {})) {
        if (inner instanceof Uint8Array) v[key] = Buffer.from(inner);
        else if (typeof inner === 'object') revive(inner);
    }
}
